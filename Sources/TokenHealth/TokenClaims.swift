package import FoundationEssentials

/// What a JWT says of itself: hints for people, never proof.
///
/// Nothing is verified.
package struct TokenClaims: Sendable, Hashable {
    package let expiresAt: Date?
    package let issuedAt: Date?

    package init(expiresAt: Date?, issuedAt: Date? = nil) {
        self.expiresAt = expiresAt
        self.issuedAt = issuedAt
    }

    /// Reads the claims of a JWT (RFC 7519); `nil` for a token that is none.
    ///
    /// Dates may have fractions, as Laravel Passport writes them.
    package init?(of secret: Secret) {
        let payload: [UInt8]? = secret.withExposedValue { value in
            let parts = value.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 3, !parts[1].isEmpty else { return nil }
            return TokenClaims.base64URL(parts[1])
        }
        guard let payload, case .object(let claims)? = JSONValue(parsing: payload) else { return nil }
        func date(_ name: String) -> Date? {
            guard case .number(let number)? = claims[name] else { return nil }
            guard number.value > 0, number.value < 253_402_300_799 else { return nil }
            return Date(timeIntervalSince1970: number.value)
        }
        self.init(expiresAt: date("exp"), issuedAt: date("iat"))
    }

    private static func base64URL(_ text: some StringProtocol) -> [UInt8]? {
        var base64 = String(text).replacing("-", with: "+").replacing("_", with: "/")
        while base64.utf8.count % 4 != 0 { base64 += "=" }
        return Data(base64Encoded: base64).map { Array($0) }
    }
}
