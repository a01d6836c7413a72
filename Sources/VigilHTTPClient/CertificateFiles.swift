import CCurl
import Glibc
import Synchronization
import TokenHealth
import VigilPlatform

/// The contents of files of authorities, each read again only when it has changed.
///
/// They are read here and not by the TLS library, which would wait for ever for the writer of a named pipe.
final class CertificateFiles: Sendable {
    /// What tells one edition of a file from the next.
    private struct Edition: Hashable {
        let device: UInt64
        let inode: UInt64
        let size: Int64
        let modifiedAt: Int
        let modifiedNanoseconds: Int
    }

    /// A file that was read.
    struct Contents: Sendable {
        let bytes: [UInt8]
        /// The address of what OpenSSL has made of it: it stays for as long as this process.
        let store: UInt
        /// The name of a file that no other edition has, with one of the authorities in it.
        let part: String
        /// A new one for each edition.
        let number: Int
    }

    private struct State {
        var files: [String: (edition: Edition, contents: Contents, turn: UInt64)] = [:]
        var turn: UInt64 = 0
        var editions = 0
    }

    private let state = Mutex(State())

    /// From now on every file is looked at anew: until the next turn, the many requests that begin in one share a look.
    func beginTurn() { state.withLock { $0.turn += 1 } }

    /// The contents of the file at `path`.
    ///
    /// - Throws: a failure of TLS, which names the key of the configuration, the file and the cause.
    func contents(of path: String) throws(TransportFailure) -> Contents {
        let checked = state.withLock { state in
            state.files[path].flatMap { $0.turn == state.turn ? $0.contents : nil }
        }
        if let checked { return checked }
        do throws(AuthoritiesFile.Fault) {
            return try edition(at: path)
        } catch {
            throw TransportFailure(.tls, "ca_file \(path): \(error)", tlsFault: .authoritiesFile)
        }
    }

    private func edition(at path: String) throws(AuthoritiesFile.Fault) -> Contents {
        let file: RegularFile
        do throws(RegularFile.Failure) { file = try RegularFile(path) } catch { throw .unreadable(error) }
        let status = file.status
        let edition = Edition(
            device: UInt64(status.st_dev),
            inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            modifiedAt: status.st_mtim.tv_sec,
            modifiedNanoseconds: status.st_mtim.tv_nsec
        )
        let known = state.withLock { state in
            guard state.files[path]?.edition == edition else { return Contents?.none }
            state.files[path]?.turn = state.turn
            return state.files[path]?.contents
        }
        if let known { return known }
        let bytes: [UInt8]
        do throws(RegularFile.Failure) {
            bytes = try file.contents(atMost: AuthoritiesFile.longest)
        } catch {
            throw .unreadable(error)
        }
        guard AuthoritiesFile.certificates(in: bytes) > 0 else { throw .noCertificate }
        // What was made of earlier editions stays, and its file open: connections may still be known by it. They change a few
        // times a year.
        var part: CInt = -1
        let store = unsafe bytes.withUnsafeBytes { bytes in
            unsafe UInt(bitPattern: ccurl_read_authorities(bytes.baseAddress, bytes.count, &part))
        }
        guard store != 0 else { throw .noCertificate }
        return state.withLock { state in
            state.editions += 1
            let contents = Contents(
                bytes: bytes,
                store: store,
                part: "/proc/self/fd/\(part)",
                number: state.editions
            )
            state.files[path] = (edition, contents, state.turn)
            return contents
        }
    }
}
