/// One request to a provider, but for the secrets that are put into it.
package struct Question: Sendable, Hashable {
    package var method: String
    /// Absolute.
    package var url: String
    package var headers: [HeaderField]
    /// Which header carries a secret; `nil` where none does.
    package var authorization: AuthorizationTemplate?
    /// Who asks by HTTP Basic, the token being the password.
    package var basicUser: String?
    package var body: BodyTemplate?
    /// Whether an answer that grants holds new secrets, which must be lifted out of it.
    package var isGrantRequest: Bool

    package init(
        method: String,
        url: String,
        headers: [HeaderField],
        authorization: AuthorizationTemplate? = nil,
        basicUser: String? = nil,
        body: BodyTemplate? = nil,
        isGrantRequest: Bool = false
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.authorization = authorization
        self.basicUser = basicUser
        self.body = body
        self.isGrantRequest = isGrantRequest
    }

    /// Method and URL, for a person.
    package var text: String { "\(method) \(url)" }
}

extension WatchedToken {
    /// The request this token is checked with.
    package var question: Question {
        Question(
            method: probe.method,
            url: probeURL,
            headers: probe.headers,
            authorization: provider.authorization,
            body: probe.body
        )
    }

    /// The absolute URL of a path of the provider, with `{name}` for each parameter of the token and for the `others`.
    package func url(of path: String, others: [String: String] = [:]) -> String {
        var path = path
        for (name, value) in parameters.merging(others, uniquingKeysWith: { _, other in other }) {
            path = path.replacing("{\(name)}", with: value.percentEncoded)
        }
        return baseURL + path
    }
}

extension String {
    /// RFC 3986 unreserved characters as they are, every other byte as `%XX`.
    package var percentEncoded: String {
        var encoded = ""
        for byte in utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (hex.count == 1 ? "0" + hex : hex)
            }
        }
        return encoded
    }
}
