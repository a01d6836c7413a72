package import FoundationEssentials

/// What a JWT says of itself: hints for people, never proof.
///
/// Nothing is verified.
package struct TokenClaims: Sendable, Hashable, Codable {
    package let expiresAt: Date?
    package let issuedAt: Date?
    package let notBefore: Date?
    package let subject: String?
    package let audience: [String]
    /// `nil` where it names none, neither as RFC 9068 does (`scope`, one text) nor as Laravel Passport (`scopes`, a list).
    package let scopes: [String]?

    package init(
        expiresAt: Date?,
        issuedAt: Date? = nil,
        notBefore: Date? = nil,
        subject: String? = nil,
        audience: [String] = [],
        scopes: [String]? = nil
    ) {
        self.expiresAt = expiresAt
        self.issuedAt = issuedAt
        self.notBefore = notBefore
        self.subject = subject
        self.audience = audience
        self.scopes = scopes
    }

    /// Reads the claims of a JWT (RFC 7519); `nil` for a token that is none.
    ///
    /// Dates may have fractions, as Laravel Passport writes them.
    package init?(of secret: Secret) {
        guard let claims = TokenClaims.members(of: secret) else { return nil }
        func date(_ name: String) -> Date? {
            guard case .number(let number)? = claims[name] else { return nil }
            guard number.value > 0, number.value < 253_402_300_799 else { return nil }
            return Date(timeIntervalSince1970: number.value)
        }
        self.init(
            expiresAt: date("exp"),
            issuedAt: date("iat"),
            notBefore: date("nbf"),
            subject: claims["sub"]?.claimTexts?.first,
            audience: claims["aud"]?.claimTexts ?? [],
            scopes: claims["scopes"]?.claimTexts
                ?? claims["scope"]?.claimTexts?.flatMap { text in
                    text.split(separator: " ").map(String.init)
                }
        )
    }

    /// All the scopes that a JWT names, for comparison; ``scopes`` are as many as can be shown.
    package static func allScopes(of secret: Secret) -> [String]? {
        members(of: secret).flatMap { $0["scopes"] ?? $0["scope"] }.flatMap { ScopeList.scopes(in: $0) }
    }

    private static func members(of secret: Secret) -> [String: JSONValue]? {
        let payload: [UInt8]? = secret.withExposedValue { value in
            let parts = value.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 3, !parts[1].isEmpty else { return nil }
            return base64URL(parts[1])
        }
        guard let payload, case .object(let claims)? = JSONValue(parsing: payload) else { return nil }
        return claims
    }

    private static func base64URL(_ text: some StringProtocol) -> [UInt8]? {
        var base64 = String(text).replacing("-", with: "+").replacing("_", with: "/")
        while base64.utf8.count % 4 != 0 { base64 += "=" }
        return Data(base64Encoded: base64).map { Array($0) }
    }
}

extension TokenClaims {
    private enum CodingKeys: String, CodingKey {
        case subject, audience, scopes
        case expiresAt = "expires_at"
        case issuedAt = "issued_at"
        case notBefore = "not_before"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(issuedAt, forKey: .issuedAt)
        try container.encode(notBefore, forKey: .notBefore)
        try container.encode(expiresAt, forKey: .expiresAt)
        try container.encode(subject, forKey: .subject)
        try container.encode(audience, forKey: .audience)
        try container.encode(scopes, forKey: .scopes)
    }
}

extension JSONValue {
    /// A scalar, or the scalars of a list, short and on one line each; `nil` for anything else.
    fileprivate var claimTexts: [String]? {
        switch self {
        case .array(let elements): elements.prefix(20).compactMap(\.showableText)
        case .string, .number: showableText.map { [$0] }
        case .null, .bool, .object: nil
        }
    }

    private var showableText: String? {
        scalarText.map { String(String.UnicodeScalarView($0.unicodeScalars.filter(\.isShowable).prefix(100))) }
    }
}
