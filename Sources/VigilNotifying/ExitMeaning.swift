import TokenHealth

extension ChildProcess.Outcome {
    /// What this means for a delivery, by the exit codes that `sysexits.h` names.
    ///
    /// What they do not settle is tried again: an administrator may repair it.
    ///
    /// - Parameters:
    ///   - program: its path, for the text.
    ///   - success: what exit status 0 says.
    ///   - timeLimit: the one it ran under, for the text.
    /// - Returns: delivered for 0 alone; refused for what by its code would end alike at every attempt. Mailers without
    ///   a queue (msmtp, ssmtp) use the same codes for what passes, so that is tried again as well.
    func result(of program: String, success: String, timeLimit: Duration) -> DeliveryResult {
        let program = program.oneLine
        switch ending {
        case .exited(0):
            return .delivered(success)
        case .exited(let code):
            let meaning = ExitMeaning(code)
            let text = quoting("\(program) ended with exit status \(code)\(meaning.hint.map { " (\($0))" } ?? "")")
            return meaning.isPermanent ? .refused(text) : .failed(text)
        case .signaled(let signal):
            return .failed(quoting("\(program) was ended by signal \(signal)"))
        case .overran:
            return .failed(quoting("\(program) did not end within \(timeLimit.short) and was stopped"))
        case .cancelled:
            return .failed("\(program) was stopped because tokenvigil stops")
        case .notFound:
            return .failed("\(program) does not exist or may not be executed: install it, or correct its path")
        case .broken(let cause):
            return .failed("\(program) could not be run: \(cause)")
        }
    }

    private func quoting(_ text: String) -> String {
        complaint.isEmpty ? text : "\(text): \"\(complaint.shortened(to: 300))\""
    }
}

/// One exit status, as `sysexits.h` has it.
struct ExitMeaning: Sendable, Hashable {
    /// Whether by the book another attempt would end alike.
    let isPermanent: Bool
    /// What the number says, for a person; `nil` where it says nothing.
    let hint: String?

    init(_ code: Int32) {
        isPermanent = [64, 65, 67, 77, 78].contains(code)
        switch code {
        case 1: hint = "a sandbox may be in the way: NoNewPrivileges= stops setgid and setuid mailers"
        case 64: hint = "wrong usage"
        case 65: hint = "the message was rejected"
        case 66: hint = "no input"
        case 67: hint = "unknown recipient"
        case 68: hint = "unknown host"
        case 69: hint = "service unavailable"
        case 70: hint = "internal error"
        case 71: hint = "system error"
        case 72: hint = "a system file is missing"
        case 73: hint = "cannot write"
        case 74: hint = "input or output error"
        case 75: hint = "try again later"
        case 76: hint = "protocol error"
        case 77: hint = "permission denied"
        case 78: hint = "it is not configured"
        case 126: hint = "a program in it may not be executed"
        case 127: hint = "a program in it is missing"
        default: hint = nil
        }
    }
}
