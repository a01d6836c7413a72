import Glibc

/// The directory in which the service manager puts the credentials of this service (`LoadCredential=` and its kin).
///
/// Only paths are resolved here. Owner and mode of a credential differ between systemd releases, and the directory
/// itself keeps others out, so they are not checked.
package struct CredentialDirectory: Sendable {
    /// Why a credential has no path.
    package enum Failure: Error, Sendable, Equatable {
        /// The service manager passed no credentials: `$CREDENTIALS_DIRECTORY` is not set.
        case notProvided(credential: String)
        /// The name could lead out of the directory, or no credential can have it.
        case invalidName(String)
    }

    private let directory: String?

    /// The directory named in `$CREDENTIALS_DIRECTORY`.
    package init() {
        let variable = unsafe getenv("CREDENTIALS_DIRECTORY")
        self.init(path: unsafe variable.map { unsafe String(cString: $0) })
    }

    /// Makes a view of the given directory; nil or an empty path means that no credentials were passed.
    package init(path: String?) {
        directory = path.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Returns the path under which the named credential can be read, whether or not it exists.
    ///
    /// - Throws: when the name is not the name of a file, or no credentials were passed.
    package func path(of name: String) throws(Failure) -> String {
        guard Self.isValid(name) else { throw .invalidName(name) }
        guard let directory else { throw .notProvided(credential: name) }
        return directory.hasSuffix("/") ? directory + name : directory + "/" + name
    }

    private static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard !bytes.isEmpty, bytes.count <= 255, name != "." else { return false }
        guard !zip(bytes, bytes.dropFirst()).contains(where: { $0 == UInt8(ascii: ".") && $1 == $0 }) else {
            return false
        }
        return bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
    }
}

extension CredentialDirectory.Failure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notProvided(let name):
            "cannot read the credential \"\(name)\": the service manager passed none; "
                + "add LoadCredential=\(name):PATH to tokenvigil.service"
        case .invalidName(let name):
            "cannot read the credential \"\(name)\": a name is printable ASCII without spaces, / : or .."
        }
    }
}
