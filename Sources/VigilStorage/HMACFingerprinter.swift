package import Crypto
import FoundationEssentials
package import TokenHealth
import VigilEngine

/// Names secrets by HMAC-SHA256 under a key that only the database holds: nobody can test guesses against a name.
package struct HMACFingerprinter: Fingerprinter {
    private let key: SymmetricKey

    package init(key: SymmetricKey) {
        self.key = key
    }

    package func fingerprint(of secret: Secret) -> Fingerprint {
        let digest = secret.withExposedValue { value in
            HMAC<SHA256>.authenticationCode(for: Data(value.utf8), using: key)
        }
        let hex = digest.prefix(6).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }
        return Fingerprint(text: "k1:" + hex.joined())
    }
}
