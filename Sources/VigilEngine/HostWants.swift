import TokenHealth

/// Tokens whose secrets this host cannot read for want of something: it is short of open files, or a file server hangs.
///
/// That is one problem of the monitor, not one of each token.
struct HostWants {
    private var causes: [TokenName: String] = [:]

    /// What is to be logged of a change.
    enum News {
        case begun(cause: String)
        case over
    }

    /// Takes note of what became of reading the secret of `name`.
    ///
    /// - Parameters:
    ///   - cause: why it could not be read; `nil` where that is not the host's doing.
    ///   - name: of the token.
    /// - Returns: what is new for the host; `nil` while all is as before.
    mutating func note(_ cause: String?, of name: TokenName) -> News? {
        let wasWanting = !causes.isEmpty
        causes[name] = cause
        if let cause, !wasWanting { return .begun(cause: cause) }
        return wasWanting && causes.isEmpty ? .over : nil
    }

    /// The problem in one sentence; `nil` where there is none.
    ///
    /// - Parameter watched: says which tokens still are.
    /// - Returns: a sentence that names one token, or counts several.
    func problem(among watched: (TokenName) -> Bool) -> String? {
        let wanting = causes.filter { watched($0.key) }
        guard let first = wanting.min(by: { $0.key < $1.key }) else { return nil }
        let tokens = wanting.count == 1 ? "the secret of \(first.key)" : "the secrets of \(wanting.count) tokens"
        return "this host cannot read \(tokens): \(first.value)"
    }
}

extension Observation {
    /// Why the host could not read the secret; `nil` where it could, or where that is a mistake.
    var hostWant: String? {
        finding.verdict == .indeterminate(.hostFailure) ? finding.observation : nil
    }
}
