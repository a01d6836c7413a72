import TokenHealth
import Testing

@testable import VigilNotifying

@Suite struct `The sendmail notifier` {
    private func deliver(_ script: String, limit: Duration = .seconds(60), in workshop: Workshop) async throws
        -> DeliveryResult
    {
        let program = try await workshop.script("cd \"${0%/*}\" || exit 99\n\(script)", named: "sendmail")
        let settings = SendmailNotifier.Settings(
            from: "tokenvigil@example.com",
            to: ["oncall@example.com", "root"],
            sendmail: program,
            timeLimit: limit
        )
        return await SendmailNotifier(settings).deliver(Samples.alert(.invalidated))
    }

    @Test func `hands over envelope and message`() async throws {
        try await Workshop.open { workshop in
            let result = try await deliver(
                "printf '%s\\n' \"$@\" > arguments; cat > message; env > environment",
                in: workshop
            )
            #expect(result == .delivered("queued by \(workshop.path)/sendmail"))
            let arguments = try workshop.contents(of: "arguments").split(separator: "\n")
            #expect(arguments == ["-i", "-f", "tokenvigil@example.com", "--", "oncall@example.com", "root"])
            let message = try MailMessage(
                Samples.alert(.invalidated),
                from: "tokenvigil@example.com",
                to: ["oncall@example.com", "root"]
            )
            #expect(try workshop.contents(of: "message") == message.text)
            #expect(try !workshop.contents(of: "environment").contains("HOME="))
        }
    }

    @Test(arguments: [
        (75, false), (69, false), (70, false), (71, false), (74, false), (1, false), (67, true), (78, true),
    ])
    func `believes the exit status`(_ code: Int, isPermanent: Bool) async throws {
        try await Workshop.open { workshop in
            let result = try await deliver("echo 'relay says\nno' >&2; exit \(code)", in: workshop)
            switch result {
            case .refused(let text) where isPermanent: #expect(text.hasSuffix(": \"relay says no\""))
            case .failed(let text, nil) where !isPermanent: #expect(text.hasSuffix(": \"relay says no\""))
            default: reject("\(code) became \(result)")
            }
        }
    }

    @Test func `gives up a mailer that hangs`() async throws {
        try await Workshop.open { workshop in
            let result = try await deliver("sleep 1000", limit: .seconds(1), in: workshop)
            #expect(result == .failed("\(workshop.path)/sendmail did not end within 1 s and was stopped"))
        }
    }

    @Test func `refuses an address that is none, and runs nothing`() async throws {
        try await Workshop.open { workshop in
            let program = try await workshop.script("touch \"${0%/*}/ran\"", named: "sendmail")
            let settings = SendmailNotifier.Settings(from: "a@example.com", to: ["-bs"], sendmail: program)
            guard case .refused(let text) = await SendmailNotifier(settings).deliver(Samples.alert(.test)) else {
                return reject("not refused")
            }
            #expect(text.contains("\"-bs\""))
            #expect(!workshop.exists("ran"))
        }
    }
}
