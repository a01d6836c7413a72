import Crypto
import FoundationEssentials

/// A certificate made for one test, which is its own authority, with its key, both in PEM files.
struct TestCertificate {
    /// Whom a certificate is for.
    enum Subject {
        case address([UInt8])
        case name(String)
        /// Names nobody but in its subject, as certificates did twenty years ago.
        case commonName(String)
    }

    let directory: ScratchDirectory
    var certificate: String { directory.path("cert.pem") }
    var key: String { directory.path("key.pem") }

    /// Makes one that is good until the end of the year `until`, of this century.
    init(for subject: Subject, until year: Int = 49) throws {
        let key = P256.Signing.PrivateKey()
        // ecdsa-with-SHA256
        let algorithm = Self.sequence([0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02])
        // commonName
        var common = "sim"
        if case .commonName(let name) = subject { common = name }
        let name = Self.sequence(
            Self.node(0x31, Self.sequence([0x06, 0x03, 0x55, 0x04, 0x03] + Self.node(0x0c, Array(common.utf8))))
        )
        let validity = Self.sequence(
            Self.node(0x17, Array("200101000000Z".utf8)) + Self.node(0x17, Array("\(year)1231235959Z".utf8))
        )
        // subjectAltName
        let alternative =
            switch subject {
            case .address(let bytes): Self.node(0x87, bytes)
            case .name(let name): Self.node(0x82, Array(name.utf8))
            // An address of mail, which is no host.
            case .commonName: Self.node(0x81, Array("a@example.test".utf8))
            }
        let names = Self.node(0x04, Self.sequence(alternative))
        let extensions = Self.sequence(Self.sequence([0x06, 0x03, 0x55, 0x1d, 0x11] + names))
        let body = Self.sequence(
            [0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x01] + algorithm + name + validity + name
                + key.publicKey.derRepresentation + Self.node(0xa3, extensions)
        )
        let signature = try key.signature(for: body).derRepresentation
        let whole = Self.sequence(body + algorithm + Self.node(0x03, [0] + signature))
        let text = Data(whole).base64EncodedString(options: .lineLength64Characters)
        directory = try ScratchDirectory()
        try directory.write("-----BEGIN CERTIFICATE-----\n\(text)\n-----END CERTIFICATE-----\n", to: "cert.pem")
        try directory.write(key.pemRepresentation + "\n", to: "key.pem")
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

/// A directory that is removed with the last reference to it.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "vigil-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(_ name: String) -> String { "\(path)/\(name)" }

    /// Puts the contents of another file in place of `name`.
    func copy(_ file: String, to name: String) throws {
        try Data(contentsOf: URL(filePath: file)).write(to: URL(filePath: path(name)), options: .atomic)
    }

    /// Writes a file of this mode, and returns its path.
    @discardableResult
    func write(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
        return path(name)
    }
}
