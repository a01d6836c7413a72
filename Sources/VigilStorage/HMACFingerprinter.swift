package import Crypto
import FoundationEssentials
package import TokenHealth
import VigilEngine

/// Names secrets by HMAC-SHA256 under a key that only the database holds: nobody can test guesses against a name.
package struct HMACFingerprinter: Fingerprinter {
    private static let digits = Array("0123456789abcdef".utf8)

    private let key: SymmetricKey

    package init(key: SymmetricKey) {
        self.key = key
    }

    package func fingerprint(of secret: Secret) -> Fingerprint {
        let digest = secret.withExposedValue { value in
            HMAC<SHA256>.authenticationCode(for: Data(value.utf8), using: key)
        }
        var text = Array("k1:".utf8)
        for byte in digest.prefix(6) {
            for digit in [byte >> 4, byte & 0xF] { text.append(HMACFingerprinter.digits[Int(digit)]) }
        }
        return Fingerprint(text: String(decoding: text, as: UTF8.self))
    }
}
