package import Crypto
package import TokenHealth
import VigilEngine

/// Names secrets by HMAC-SHA256 under a key that only the database holds: nobody can test guesses against a name.
package struct HMACFingerprinter: Fingerprinter {
    private static let digits = Array("0123456789abcdef".utf8)

    /// With the key in it, which is half of the work.
    private let keyed: HMAC<SHA256>

    package init(key: SymmetricKey) {
        keyed = HMAC(key: key)
    }

    package func fingerprint(of secret: Secret) -> Fingerprint {
        var code = keyed
        secret.withExposedValue { code.update(data: Array($0.utf8)) }
        let digest = code.finalize()
        var text = Array("k1:".utf8)
        for byte in digest.prefix(6) {
            for digit in [byte >> 4, byte & 0xF] { text.append(HMACFingerprinter.digits[Int(digit)]) }
        }
        return Fingerprint(text: String(decoding: text, as: UTF8.self))
    }
}
