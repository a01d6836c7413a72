import Crypto
import FoundationEssentials

/// A certificate for 127.0.0.1 made for one test, in PEM.
struct SelfSignedCertificate {
    let certificate: String
    let key: String

    init() throws {
        let key = P256.Signing.PrivateKey()
        // ecdsa-with-SHA256
        let algorithm = Self.sequence([0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02])
        // commonName
        let name = Self.sequence(
            Self.node(0x31, Self.sequence([0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x03] + "sim".utf8))
        )
        let validity = Self.sequence(
            Self.node(0x17, Array("200101000000Z".utf8)) + Self.node(0x17, Array("491231235959Z".utf8))
        )
        // subjectAltName with the address
        let address = Self.sequence([0x87, 0x04, 127, 0, 0, 1])
        let extensions = Self.sequence(Self.sequence([0x06, 0x03, 0x55, 0x1d, 0x11] + Self.node(0x04, address)))
        let body = Self.sequence(
            [0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x01] + algorithm + name + validity + name
                + key.publicKey.derRepresentation + Self.node(0xa3, extensions)
        )
        let signature = try key.signature(for: body).derRepresentation
        let whole = Self.sequence(body + algorithm + Self.node(0x03, [0] + signature))
        certificate =
            "-----BEGIN CERTIFICATE-----\n\(Data(whole).base64EncodedString(options: .lineLength64Characters))\n"
            + "-----END CERTIFICATE-----\n"
        self.key = key.pemRepresentation + "\n"
    }

    private static func sequence(_ content: some Collection<UInt8>) -> [UInt8] { node(0x30, content) }

    private static func node(_ tag: UInt8, _ content: some Collection<UInt8>) -> [UInt8] {
        let count = content.count
        let length: [UInt8] =
            count < 0x80
            ? [UInt8(count)] : count < 0x100 ? [0x81, UInt8(count)] : [0x82, UInt8(count >> 8), UInt8(count & 0xff)]
        return [tag] + length + content
    }
}
