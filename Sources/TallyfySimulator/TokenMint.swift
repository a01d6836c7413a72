import FoundationEssentials

/// A small generator of reproducible pseudo-random numbers (SplitMix64); nothing here guards a secret.
struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// So many lower-case hexadecimal digits.
    mutating func hex(_ digits: Int) -> String {
        var text = ""
        while text.utf8.count < digits { text += paddedHex(next()) }
        return String(text.prefix(digits))
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 32) }
    }
}

extension SimulatedTallyfy {
    /// A short, stable hash by which a token is named in logs and faults: 12 hexadecimal digits.
    package static func fingerprint(of token: String) -> String { String(paddedHex(fnv1a(token)).prefix(12)) }
}

/// Writes the token strings.
enum TokenMint {
    /// A JSON Web Token with the claims of the real ones and a signature that only looks like one.
    static func webToken(
        id: String,
        audience: String,
        subject: String,
        issued: Date,
        expires: Date,
        fractional: Bool
    ) -> String {
        let header: WireJSON = ["typ": "JWT", "alg": "RS256", "kid": "sim"]
        let claims: WireJSON = [
            "aud": .string(audience), "jti": .string(id),
            "iat": claim(issued, fractional: fractional), "nbf": claim(issued, fractional: fractional),
            "exp": claim(expires, fractional: fractional), "sub": .string(subject), "scopes": [],
        ]
        var noise = SeededGenerator(seed: fnv1a(id))
        return [header.bytes, claims.bytes, noise.bytes(256)].map(base64URL).joined(separator: ".")
    }

    private static func claim(_ date: Date, fractional: Bool) -> WireJSON {
        fractional ? .number(date.timeIntervalSince1970) : .integer(Int(date.timeIntervalSince1970))
    }
}

private func base64URL(_ bytes: [UInt8]) -> String {
    var text = ""
    for character in Data(bytes).base64EncodedString() {
        switch character {
        case "+": text.append("-")
        case "/": text.append("_")
        case "=": break
        case _: text.append(character)
        }
    }
    return text
}

private func fnv1a(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
}

private func paddedHex(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
