extension Answer {
    /// This answer without the secrets it grants, and the access token among them.
    ///
    /// RFC 6749 section 5.1: `access_token` and, where there is one, `refresh_token`; OpenID Connect adds `id_token`.
    /// A refresh token is struck out like the others and never kept.
    package func liftingGrant() -> (answer: Answer, granted: Secret?) {
        guard let document else {
            // What cannot be read as JSON may hold a part of a token.
            return ((200..<300).contains(status) ? withoutBody : self, nil)
        }
        var granted: Secret?
        if case .object(let members) = document, case .string(let text)? = members["access_token"] {
            granted = try? SecretLint.secret(in: Array(text.utf8), source: "the answer")
        }
        let answer = Answer.secrets(in: document).reduce(self) { $0.striking($1) }
        return (answer, granted)
    }

    /// Every text that stands under the name of a token, at any depth the parser allows.
    private static func secrets(in document: JSONValue) -> [Secret] {
        switch document {
        case .object(let members):
            return members.flatMap { name, value -> [Secret] in
                if case .string(let text) = value, isSecret(name), !text.isEmpty { return [Secret(linted: text)] }
                return secrets(in: value)
            }
        case .array(let elements): return elements.flatMap { secrets(in: $0) }
        case .null, .bool, .number, .string: return []
        }
    }

    private static func isSecret(_ name: String) -> Bool {
        let name = name.lowercased()
        return (name.contains("token") && name != "token_type") || name.contains("secret")
    }
}
