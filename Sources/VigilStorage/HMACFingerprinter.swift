package import Crypto
package import TokenHealth
import VigilEngine

/// Names secrets by HMAC-SHA256 under a key that only the database holds: nobody can test guesses against a name.
package struct HMACFingerprinter: Fingerprinter {
    private static let digits = Array("0123456789abcdef".unicodeScalars)

    /// With the key in it, which is half of the work.
    private let keyed: HMAC<SHA256>

    package init(key: SymmetricKey) {
        keyed = HMAC(key: key)
    }

    package func fingerprint(of secret: Secret) -> Fingerprint {
        var code = keyed
        secret.withExposedValue { code.update(data: Array($0.utf8)) }
        let digest = code.finalize()
        var text = "k1:"
        unsafe digest.withUnsafeBytes { bytes in
            for index in 0..<6 {
                let byte = Int(unsafe bytes[index])
                text.unicodeScalars.append(HMACFingerprinter.digits[byte >> 4])
                text.unicodeScalars.append(HMACFingerprinter.digits[byte & 0xF])
            }
        }
        return Fingerprint(text: text)
    }
}
