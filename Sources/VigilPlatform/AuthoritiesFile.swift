import Glibc

/// A file of certificate authorities in PEM form.
package enum AuthoritiesFile {
    /// Ten times what Debian's whole store takes, in bytes.
    package static let longest = 4 << 20

    /// Why it is of no use, as the end of a sentence.
    package enum Fault: Error, Sendable, Hashable, CustomStringConvertible {
        case unreadable(RegularFile.Failure)
        case noCertificate

        package var description: String {
            switch self {
            case .unreadable(.refused(let error)) where [ENOENT, ENOTDIR].contains(error.code): "there is no such file"
            case .unreadable(let failure): "\(failure)"
            case .noCertificate: "it holds no certificate in PEM form"
            }
        }

        /// Whether it is a matter of rights: another user may be able to read it.
        package var isOfRights: Bool {
            guard case .unreadable(.refused(let error)) = self else { return false }
            return [EACCES, EPERM].contains(error.code)
        }
    }

    /// What is wrong with the file at `path`; `nil` where nothing is, as far as one can see without parsing it.
    package static func fault(at path: String) -> Fault? {
        do throws(RegularFile.Failure) {
            return certificates(in: try RegularFile.contents(of: path, atMost: longest)) > 0 ? nil : .noCertificate
        } catch {
            return .unreadable(error)
        }
    }

    /// How many certificates begin in `bytes`: plain, or OpenSSL's `TRUSTED` and `X509` ones.
    package static func certificates(in bytes: [UInt8]) -> Int {
        String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).count {
            $0.hasPrefix("-----BEGIN ") && $0.contains("CERTIFICATE-----")
        }
    }
}
