import FoundationEssentials

/// Where a secret is put into a request, and how it is written there.
package enum SecretPlace: String, Sendable, Hashable, CaseIterable {
    /// The token that is watched.
    case token
    /// The credential that asks about it.
    case asker

    /// As it is.
    package var plain: String { "{\(rawValue)}" }

    /// Base64, as the Basic scheme wants `user:password` (RFC 7617 section 2).
    package var base64: String { "{\(rawValue):base64}" }

    /// Every way in which a secret is put into a template.
    fileprivate static let forms = allCases.flatMap { [($0, true, $0.plain), ($0, false, $0.base64)] }

    package func isIn(_ template: String) -> Bool { template.holds(plain) || template.holds(base64) }
}

/// What is sent with a POST.
package enum BodyTemplate: Sendable, Hashable {
    /// `application/x-www-form-urlencoded`, in this order.
    case form([HeaderField])
    /// `application/json`.
    case json(JSONValue)

    package var contentType: String {
        switch self {
        case .form: "application/x-www-form-urlencoded"
        case .json: "application/json"
        }
    }

    /// Every text that a secret may stand in.
    package var texts: [String] {
        switch self {
        case .form(let fields): fields.map(\.value)
        case .json(let document): document.texts
        }
    }
}

/// The secrets of one request, exposed for as long as it takes to write it.
package struct RequestSecrets: ~Copyable {
    /// `nil` in the control: whatever carries the token is then left out.
    private let token: String?
    private let asker: String?

    package init(token: String?, asker: String?) {
        self.token = token
        self.asker = asker
    }

    /// The headers that carry a secret.
    package func headers(of template: AuthorizationTemplate) -> [HeaderField] {
        guard let value = filled(template.value) else { return [] }
        return ([template.header] + template.alsoIn).map { HeaderField($0, value) }
    }

    /// The headers of a whole question that carry a secret.
    package func headers(of question: Question) -> [HeaderField] {
        var fields = question.authorization.map { headers(of: $0) } ?? []
        if let user = question.basicUser, let token {
            let credentials = token.basicCredentials(of: user)
            fields.append(HeaderField("Authorization", "Basic \(credentials)"))
        }
        return fields
    }

    /// The body of the request; fields that carry the token are left out of the control.
    package func body(of template: BodyTemplate) -> [UInt8] {
        switch template {
        case .form(let fields):
            let pairs = fields.compactMap { field in
                filled(field.value).map { "\(field.name.percentEncoded)=\($0.percentEncoded)" }
            }
            return Array(pairs.joined(separator: "&").utf8)
        case .json(let document):
            let filled = filled(document) ?? .object([:])
            return (try? Wire.encoder().encode(filled)).map { Array($0) } ?? []
        }
    }

    /// `template` with its secrets, or `nil` where one of them is not to be sent.
    ///
    /// One pass: what a secret puts in is never read as a place again.
    private func filled(_ template: String) -> String? {
        var rest = template[...]
        var text = ""
        while let brace = rest.utf8.firstIndex(of: 0x7B) {
            text += rest[..<brace]
            rest = rest[brace...]
            if let (place, isPlain, form) = SecretPlace.forms.first(where: { rest.utf8.starts(with: $0.2.utf8) }) {
                guard let secret = place == .token ? token : asker else { return nil }
                text += isPlain ? secret : secret.base64
                rest = rest[rest.utf8.index(brace, offsetBy: form.utf8.count)...]
            } else {
                text += "{"
                rest = rest[rest.utf8.index(after: brace)...]
            }
        }
        return text + rest
    }

    private func filled(_ value: JSONValue) -> JSONValue? {
        switch value {
        case .string(let text): return filled(text).map { .string($0) }
        case .array(let elements): return .array(elements.compactMap { filled($0) })
        case .object(let members): return .object(members.compactMapValues { filled($0) })
        case .null, .bool, .number: return value
        }
    }
}

extension Secret {
    /// The forms in which `question` sends this secret, each of which a careless server may send back.
    package func sentForms(in question: Question) -> [Secret] {
        let texts = question.body?.texts ?? []
        let isBase64 = ((question.authorization.map { [$0.value] } ?? []) + texts).contains { text in
            SecretPlace.allCases.contains { text.holds($0.base64) }
        }
        return withExposedValue { value in
            var forms = [value]
            if isBase64 { forms.append(value.base64) }
            if case .form? = question.body { forms += forms.map(\.percentEncoded) }
            if let user = question.basicUser { forms += [value.percentEncoded, value.basicCredentials(of: user)] }
            return Set(forms).map { Secret(linted: $0) }
        }
    }
}

extension JSONValue {
    fileprivate var texts: [String] {
        switch self {
        case .string(let text): [text]
        case .array(let elements): elements.flatMap(\.texts)
        case .object(let members): members.values.flatMap(\.texts)
        case .null, .bool, .number: []
        }
    }
}

extension String {
    fileprivate var base64: String { Data(utf8).base64EncodedString() }

    /// `user` and this password as HTTP Basic has them, each form-encoded first (RFC 6749 section 2.3.1).
    fileprivate func basicCredentials(of user: String) -> String {
        "\(user.percentEncoded):\(percentEncoded)".base64
    }
}
