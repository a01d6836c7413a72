import Crypto
import FoundationEssentials
import TokenHealth

/// The signature of Standard Webhooks: HMAC-SHA256 over id, time and body.
enum WebhookSignature {
    /// The value of `webhook-signature`: `v1,` and the base64 of the code.
    ///
    /// - Parameters:
    ///   - id: idempotency key of the message.
    ///   - timestamp: of this attempt, in whole seconds since 1970.
    ///   - body: exactly as it is sent.
    ///   - secret: `whsec_` and base64, or any other text, whose bytes are the key.
    /// - Returns: `nil` where the secret begins with `whsec_` and goes on with what is not base64.
    static func header(id: String, timestamp: Int64, body: [UInt8], secret: Secret) -> String? {
        guard let key = secret.withExposedValue(key(from:)) else { return nil }
        var code = HMAC<SHA256>(key: key)
        code.update(data: Data("\(id).\(timestamp).".utf8))
        code.update(data: Data(body))
        return "v1,\(Data(code.finalize()).base64EncodedString())"
    }

    private static func key(from secret: String) -> SymmetricKey? {
        let prefix = "whsec_"
        guard secret.hasPrefix(prefix) else { return SymmetricKey(data: Data(secret.utf8)) }
        var encoded = String(secret.dropFirst(prefix.count))
        while !encoded.utf8.count.isMultiple(of: 4) { encoded += "=" }
        guard let bytes = Data(base64Encoded: encoded), !bytes.isEmpty else { return nil }
        return SymmetricKey(data: bytes)
    }
}
