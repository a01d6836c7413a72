/// Why an entry did not reach the journal.
package enum JournalError: Error, Sendable, Equatable {
    /// The name is not `[A-Z][A-Z0-9_]*` of at most 64 characters; the journal would drop the field in silence.
    case invalidFieldName(String)
    /// An entry needs at least one field, and the journal takes at most `Journal.maximumFields`.
    case unacceptableFieldCount(Int)
    /// No journal listens on this machine, or not yet.
    case unreachable(errno: Int32)
    /// The journal's socket exists and refused the entry.
    case refused(errno: Int32)

    /// Whether the same entry may be accepted later.
    package var isRetryable: Bool {
        switch self {
        case .invalidFieldName, .unacceptableFieldCount: false
        case .unreachable, .refused: true
        }
    }
}

extension JournalError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .invalidFieldName(let name):
            "cannot write the journal field \"\(name)\": a name is A-Z, 0-9 and _, begins with a letter and has at most 64"
        case .unacceptableFieldCount(let count):
            "cannot write a journal entry of \(count) fields: it takes 1 to \(Journal.maximumFields)"
        case .unreachable(let code):
            "cannot reach the journal at \(Journal.socketPath): \(errorText(code)); see systemctl status systemd-journald"
        case .refused(let code):
            "the journal refused the entry: \(errorText(code)); see systemctl status systemd-journald"
        }
    }
}
