import CSystemd
import Glibc

/// Writes structured entries to the systemd journal.
package struct Journal: Sendable {
    /// Where journald listens; fixed by systemd.
    package static let socketPath = "/run/systemd/journal/socket"

    /// The most fields one entry may have; libsystemd needs up to five of the kernel's 1024 vectors for each.
    package static let maximumFields = 200

    /// Makes a writer; it holds nothing.
    package init() {}

    /// Whether a journal listens on this machine now.
    package var isReachable: Bool { reachabilityError == 0 }

    /// Whether this process's standard error is already read by the journal, so that lines on it need no time stamp.
    package var readsStandardError: Bool {
        guard let variable = unsafe getenv("JOURNAL_STREAM") else { return false }
        var status = stat()
        guard unsafe fstat(STDERR_FILENO, &status) == 0 else { return false }
        return unsafe String(cString: variable) == "\(status.st_dev):\(status.st_ino)"
    }

    /// Writes one entry and returns once journald's socket has taken it.
    ///
    /// libsystemd calls a missing journal a success; here it is an error, because an alert must not vanish. Between
    /// the look and the write the journal may still go away: then the entry is lost, as at any crash of journald.
    ///
    /// - Parameter fields: names of `[A-Z][A-Z0-9_]*`, which may repeat; values of any text, line breaks included.
    /// - Throws: when a name cannot be written, no journal listens, or it refuses the entry.
    package func send(_ fields: [(name: String, value: String)]) throws(JournalError) {
        for field in fields where !Self.isValid(name: field.name) {
            throw .invalidFieldName(field.name)
        }
        guard (1...Self.maximumFields).contains(fields.count) else { throw .unacceptableFieldCount(fields.count) }
        let unreachable = reachabilityError
        guard unreachable == 0 else { throw .unreachable(errno: unreachable) }
        let result = Self.write(fields.map { Array("\($0.name)=\($0.value)".utf8) })
        guard result >= 0 else { throw .refused(errno: -result) }
    }

    /// Hands the assignments to libsystemd, which copies them before it returns; zero, or a negative errno value.
    private static func write(_ assignments: [[UInt8]]) -> Int32 {
        var bytes = assignments.flatMap(\.self)
        return unsafe bytes.withUnsafeMutableBytes { buffer in
            var vectors = unsafe [iovec]()
            var offset = 0
            for assignment in assignments {
                unsafe vectors.append(
                    iovec(iov_base: buffer.baseAddress?.advanced(by: offset), iov_len: assignment.count)
                )
                offset += assignment.count
            }
            return unsafe sd_journal_sendv(vectors, Int32(vectors.count))
        }
    }

    /// The rule that journald applies to names from clients: letters first, so that no one can forge a trusted `_FIELD`.
    private static func isValid(name: String) -> Bool {
        let bytes = name.utf8
        guard let first = bytes.first, bytes.count <= 64, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) else {
            return false
        }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
            default: false
            }
        }
    }

    /// Zero when a datagram can be sent to the journal now, else the errno value that says why not.
    private var reachabilityError: Int32 { datagramError(at: Self.socketPath) }
}
