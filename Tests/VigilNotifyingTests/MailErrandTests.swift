import FoundationEssentials
import Glibc
import TokenHealth
import Testing
import VigilSystemd

@testable import VigilNotifying

@Suite struct `The mail helper` {
    private static let from = "tokenvigil@example.com"
    private static let to = "oncall@example.com"
    private static let message = "From: tokenvigil@example.com\nTo: oncall@example.com\nSubject: s\n\nbody\n"

    private func server(
        _ sendmail: String,
        readLimit: Duration = .seconds(10),
        timeLimit: Duration = .seconds(60)
    ) -> MailErrandServer {
        MailErrandServer(
            permits: [
                .init(from: Self.from, to: [Self.to, "root"], sendmail: sendmail),
                .init(from: "other@example.com", to: ["hr@example.com"], sendmail: sendmail),
            ],
            group: getgid(),
            readLimit: readLimit,
            timeLimit: timeLimit
        )
    }

    private func recording(in workshop: Workshop) async throws -> String {
        try await workshop.script("cd \"${0%/*}\" && printf '%s\\n' \"$@\" > ran; cat > message", named: "sendmail")
    }

    /// Sends `errand` and expects that nothing is run.
    private func refusal(of change: (inout MailErrand) -> Void) async throws -> String {
        try await Workshop.open { workshop in
            let sendmail = try await recording(in: workshop)
            var errand = MailErrand(from: Self.from, to: [Self.to], sendmail: sendmail, message: Self.message)
            change(&errand)
            let bytes = Array(try JSONEncoder().encode(errand))
            let (result, answer) = try await HelperSocket.result(of: server(sendmail), sent: bytes)
            #expect(!workshop.exists("ran"))
            guard case .refused(let reason) = result else {
                reject("not refused: \(result)")
                return ""
            }
            #expect(answer.contains("refused"))
            return reason
        }
    }

    // MARK: What is refused

    @Test func `writes to nobody whom the configuration does not name`() async throws {
        #expect(try await refusal { $0.to = ["evil@example.com"] }.contains("no mail to evil@example.com"))
        #expect(try await refusal { $0.to = [Self.to, "evil@example.com"] }.contains("no mail to evil"))
        #expect(try await refusal { $0.to = [Self.to, "hr@example.com"] }.contains("no mail to hr"))
        #expect(try await refusal { $0.to = ["-bs"] }.contains("not a mail address"))
        #expect(try await refusal { $0.to = [] }.contains("no recipient"))
    }

    @Test func `writes in the name of nobody whom the configuration does not name`() async throws {
        #expect(try await refusal { $0.from = "evil@example.com" }.contains("no mail from evil"))
        #expect(try await refusal { $0.from = "-X/etc/passwd" }.contains("not a mail address"))
    }

    @Test func `runs no program but the configured one`() async throws {
        #expect(try await refusal { $0.sendmail = "/bin/sh" }.contains("this sendmail"))
    }

    @Test(arguments: [
        "", "no headers", "From: tokenvigil@example.com\n", "\n\nFrom: tokenvigil@example.com\n",
        "From: evil@example.com\n\nbody\n", "From: tokenvigil@example.com\nFrom: evil@example.com\n\nbody\n",
        "From: tokenvigil@example.com\nSender: evil@example.com\n\nbody\n",
        "From: tokenvigil@example.com\nResent-To: evil@example.com\n\nbody\n",
        "From: tokenvigil@example.com\r\nBcc: evil@example.com\n\nbody\n", "From: tokenvigil@example.com\n\n\u{0}",
        "From: tokenvigil@example.com\nno header\n\nbody\n",
    ])
    func `takes no message without a head that is one of tokenvigil's`(message: String) async throws {
        #expect(try await refusal { $0.message = message }.contains("not one of tokenvigil's"))
    }

    /// Each with a line more than a message that is taken.
    @Test(arguments: [
        "From : evil@example.com", "From\t: evil@example.com", "from: evil@example.com", "FROM: evil@example.com",
        "Sender: evil@example.com", "Sender : evil@example.com", "Bcc: evil@example.com", "Cc: evil@example.com",
        "Reply-To: evil@example.com", "Return-Path: <evil@example.com>", "Resent-From: evil@example.com",
        "Errors-To: evil@example.com", "Disposition-Notification-To: evil@example.com",
        "Apparently-To: evil@example.com",
        "Content-Type: text/html", "Content-Type: multipart/mixed; boundary=x", "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment", "Content-Location: x", "List-Unsubscribe: <http://x>", "Comments: x",
        "To: evil@example.com", "To: oncall@example.com, evil@example.com", "To: x <oncall@example.com>",
        "To: group:oncall@example.com;", "Subject: again", "Received: from x", "X-Other: x", "X-Tokenvigil-Other: x",
        "From\u{301}: evil@example.com", "From:\u{301} evil@example.com", "\u{FEFF}From: evil@example.com",
        "X-Tokenvigil-State: a\u{2028}From: evil@example.com", "X-Tokenvigil-State: a\u{B}From: evil@example.com",
        "X-Tokenvigil-State: a\rFrom: evil@example.com", "X-Tokenvigil-State: a\u{0}b", "X-Tokenvigil-State: \u{E4}",
        "X-Tokenvigil-State:a", "X-Tokenvigil-State : a", "X-Tokenvigil-State",
        "X-Tokenvigil-State: a\n  b", "X-Tokenvigil-State: a\n\tb", "X-Tokenvigil-State: a\n ",
        "Auto-Submitted: no", "MIME-Version: 2.0", "Message-ID: <a@b> <c@d>", "Message-ID: <a b@c>", "Message-ID: x",
        "In-Reply-To: <a@b@c>", "\tevil", "From evil@example.com Mon Nov 23", ": x", "=?utf-8?Q?From?=: x",
        "X-Tokenvigil-State: \(String(repeating: "a", count: 1000))",
    ])
    func `takes no header that is not tokenvigil's, once, and written its way`(line: String) async throws {
        let good = "From: \(Self.from)\nSubject: s\n"
        for head in ["\(good)\(line)\n", "\(line)\n\(good)"] {
            let message = "\(head)\nbody\n"
            #expect(try await refusal { $0.message = message }.contains("not one of tokenvigil's"), "\(message)")
        }
    }

    @Test(arguments: [
        "\(from), evil@example.com", "evil@example.com, \(from)", "The CEO <\(from)>", "\(from) (The CEO)", "\(from) ",
        " \(from)", "<\(from)>", "\n \(from)", "\(from)\n ,evil@example.com", "=?utf-8?Q?CEO?= <\(from)>", "",
        "\(from).evil.example", "x\(from)",
    ])
    func `takes no other sender, and none beside it`(value: String) async throws {
        let message = "From: \(value)\nSubject: s\n\nbody\n"
        #expect(try await refusal { $0.message = message }.contains("not one of tokenvigil's"), "\(message)")
    }

    /// Changes to a whole mail of tokenvigil's, each of which shows a reader something else.
    @Test func `takes no body that is not in tokenvigil's two parts`() async throws {
        let real = try MailMessage(Samples.alert(.invalidated), from: Self.from, to: [Self.to]).text
        let mark = "--=_tokenvigil"
        for (from, to) in [
            ("text/html; charset=utf-8", "application/x-msdownload"), ("text/plain; charset=utf-8", "text/html"),
            ("\(mark)--\n", "\(mark)--\nmore\n"), ("\(mark)--\n", ""), ("\(mark)--\n", "\(mark)--"),
            ("\n\n\(mark)\n", "\n\npreamble\n\(mark)\n"), ("Encoding: quoted-printable", "Encoding: base64"),
            ("\(mark)--\n", "\(mark)\nContent-Type: image/png\n\nx\n\(mark)--\n"),
            ("charset=utf-8\n", "charset=utf-8\nContent-Disposition: attachment\n"), ("=\n", "=XY\n"),
        ] {
            let changed = real.replacing(from, with: to)
            #expect(changed != real, "\(from)")
            #expect(try await refusal { $0.message = changed }.contains("not one of tokenvigil's"), "\(to)")
        }
    }

    @Test func `takes every mail that tokenvigil writes`() throws {
        let texts = Samples.hostileTexts.map { Samples.hostile($0.text) }
        let alerts = AlertKind.allCases.map { Samples.alert($0) } + texts + [Samples.crowd(of: 2000)]
        let to = [Self.to, "root", "a-rather-long-name.of-somebody@a-rather-long-domain.example.com"]
        for alert in alerts {
            let message = try MailMessage(alert, from: Self.from, to: to)
            do throws(MailScrutiny.Objection) {
                try MailScrutiny(from: Self.from, to: to).check(message.text)
            } catch {
                reject("\(alert.kind): \(error.reason)")
            }
        }
    }

    @Test func `mixes no two permits: each has its own recipients and its own program`() async throws {
        let from = Self.from
        try await Workshop.open { workshop in
            let (one, two) = (try await recording(in: workshop), "/bin/false")
            let server = MailErrandServer(
                permits: [
                    .init(from: from, to: ["a@example.com"], sendmail: one),
                    .init(from: from, to: ["b@example.com"], sendmail: two),
                ],
                group: getgid()
            )
            for (to, sendmail) in [(["a@example.com", "b@example.com"], one), (["b@example.com"], one)] {
                let errand = MailErrand(from: from, to: to, sendmail: sendmail, message: "From: \(from)\n\nbody\n")
                let bytes = Array(try JSONEncoder().encode(errand))
                let (result, _) = try await HelperSocket.result(of: server, sent: bytes)
                guard case .refused(let reason) = result else { return reject("\(to) by \(sendmail)") }
                #expect(reason.contains("no notifier with these recipients"))
            }
            #expect(!workshop.exists("ran"))
        }
    }

    @Test func `gives the mailer the time that the configuration gives it`() async throws {
        let from = Self.from
        try await Workshop.open { workshop in
            let sendmail = try await workshop.script("exec sleep 1000", named: "sendmail")
            let permit = MailErrandServer.Permit(
                from: from,
                to: [Self.to],
                sendmail: sendmail,
                timeLimit: .milliseconds(200)
            )
            let socket = try HelperSocket(in: workshop)
            async let served = socket.serve(MailErrandServer(permits: [permit], group: getgid()))
            let settings = SendmailNotifier.Settings(
                from: from,
                to: [Self.to],
                sendmail: sendmail,
                timeLimit: .seconds(20),
                helper: socket.path
            )
            guard case .failed(let text, nil) = await SendmailNotifier(settings).deliver(Samples.alert(.test)) else {
                return reject("a mailer that hangs has delivered")
            }
            #expect(text.contains("did not end within"))
            #expect(await served != nil)
        }
    }

    @Test(arguments: ["", "{", "null", "[]", "{\"from\": 1}", String(repeating: "[", count: 100_000), "\u{FF}"])
    func `survives what is no errand`(text: String) async throws {
        let (result, answer) = try await HelperSocket.result(of: server("/bin/false"), sent: Array(text.utf8))
        #expect(result == .refused("\(text.utf8.count) bytes that are no errand"))
        #expect(answer.contains("no errand"))
    }

    @Test func `takes no errand that was cut off`() async throws {
        let errand = MailErrand(from: Self.from, to: [Self.to], sendmail: "/bin/false", message: Self.message)
        let bytes = Array(try JSONEncoder().encode(errand)).dropLast()
        let (result, _) = try await HelperSocket.result(of: server("/bin/false"), sent: Array(bytes))
        #expect(result == .refused("\(bytes.count) bytes that are no errand"))
    }

    @Test func `gives up input without end`() async throws {
        let endless = [UInt8](repeating: UInt8(ascii: " "), count: MailErrand.maximumSize + 1_000_000)
        let (result, answer) = try await HelperSocket.result(of: server("/bin/false"), sent: endless, isEnded: false)
        #expect(result == .refused("the errand cannot be read: more than 1048576 bytes"))
        #expect(answer.contains("more than 1048576 bytes"))
    }

    @Test func `gives up a client that never comes to its end`() async throws {
        let server = server("/bin/false", readLimit: .milliseconds(100))
        let (result, _) = try await HelperSocket.result(of: server, sent: [UInt8(ascii: "{")], isEnded: false)
        guard case .refused(let reason) = result else { return reject("not refused") }
        #expect(reason.contains("not at its end"))
    }

    // MARK: What is done

    private func deliver(
        by path: String,
        sendmail: String,
        timeLimit: Duration = .seconds(60)
    ) async -> DeliveryResult {
        let settings = SendmailNotifier.Settings(
            from: Self.from,
            to: [Self.to, "root"],
            sendmail: sendmail,
            timeLimit: timeLimit,
            helper: path
        )
        return await SendmailNotifier(settings).deliver(Samples.alert(.invalidated))
    }

    @Test func `hands over the same mail that would have been sent without it`() async throws {
        try await Workshop.open { workshop in
            let sendmail = try await recording(in: workshop)
            let socket = try HelperSocket(in: workshop)
            async let served = socket.serve(server(sendmail))
            let result = await deliver(by: socket.path, sendmail: sendmail)
            #expect(result == .delivered("queued by \(sendmail), which the mail helper ran"))
            guard case .done = await served else { return reject("not done") }
            let arguments = try workshop.contents(of: "ran").split(separator: "\n")
            #expect(arguments == ["-i", "-f", "tokenvigil@example.com", "--", "oncall@example.com", "root"])
            let message = try MailMessage(Samples.alert(.invalidated), from: Self.from, to: [Self.to, "root"])
            #expect(try workshop.contents(of: "message") == message.text)
        }
    }

    @Test(arguments: [(75, false), (67, true), (1, false)])
    func `brings back the exit status and the words of the mailer`(_ code: Int, isPermanent: Bool) async throws {
        try await Workshop.open { workshop in
            let sendmail = try await workshop.script("echo 'relay says\nno' >&2; exit \(code)", named: "sendmail")
            let socket = try HelperSocket(in: workshop)
            async let served = socket.serve(server(sendmail))
            switch await deliver(by: socket.path, sendmail: sendmail) {
            case .refused(let text) where isPermanent: #expect(text.hasSuffix(": \"relay says no\""))
            case .failed(let text, nil) where !isPermanent: #expect(text.hasSuffix(": \"relay says no\""))
            case let result: reject("\(code) became \(result)")
            }
            #expect(await served != nil)
        }
    }

    @Test func `stops a mailer that hangs, with its children`() async throws {
        try await Workshop.open { workshop in
            let sendmail = try await workshop.script("trap '' TERM; sleep 1000 & wait; sleep 1000", named: "sendmail")
            let socket = try HelperSocket(in: workshop)
            async let served = socket.serve(server(sendmail, timeLimit: .milliseconds(200)))
            let result = await deliver(by: socket.path, sendmail: sendmail)
            guard case .failed(let text, nil) = result else { return reject("\(result)") }
            #expect(text.contains("did not end within"))
            #expect(await served != nil)
        }
    }

    // MARK: What the daemon makes of it

    @Test func `a refusal is tried again, because the configuration may be about to be read`() async throws {
        try await Workshop.open { workshop in
            let socket = try HelperSocket(in: workshop)
            async let served = socket.serve(MailErrandServer(permits: [], group: getgid()))
            let result = await deliver(by: socket.path, sendmail: "/bin/false")
            let reason = "the configuration has no mail from tokenvigil@example.com"
            #expect(result == .failed("the mail helper refused: \(reason)"))
            #expect(await served == .refused(reason))
        }
    }

    @Test func `a helper that is killed is a failure to be tried again`() async throws {
        try await Workshop.open { workshop in
            let socket = try HelperSocket(in: workshop)
            async let connection = socket.accepted()
            async let result = deliver(by: socket.path, sendmail: "/bin/false")
            close(await connection)
            guard case .failed(let text, nil) = await result else { return reject("\(await result)") }
            #expect(text.contains("mail helper"))
        }
    }

    @Test(arguments: ["no JSON", "{}", "{\"ending\": \"exited\"}", String(repeating: " ", count: 100_000)])
    func `an answer that is none is a failure to be tried again`(answer: String) async throws {
        try await Workshop.open { workshop in
            let socket = try HelperSocket(in: workshop)
            async let accepted = socket.accepted()
            async let result = deliver(by: socket.path, sendmail: "/bin/false")
            let connection = try #require(SocketConnection(descriptor: await accepted))
            connection.close(answering: Array(answer.utf8))
            close(await accepted)
            guard case .failed(let text, nil) = await result else { return reject("\(await result)") }
            #expect(text.contains("answer"))
        }
    }

    @Test func `a helper that hangs is given up`() async throws {
        try await Workshop.open { workshop in
            let socket = try HelperSocket(in: workshop)
            async let connection = socket.accepted()
            let errand = MailErrand(from: Self.from, to: [Self.to], sendmail: "/bin/false", message: Self.message)
            let outcome = await MailErrandClient(path: socket.path, timeLimit: .milliseconds(200)).run(errand)
            guard case .broken(let text) = outcome else { return reject("\(outcome)") }
            #expect(text.contains("did not answer within"))
            close(await connection)
        }
    }

    @Test(arguments: [true, false])
    func `without a helper the mailer is run here`(hasStaleSocket: Bool) async throws {
        try await Workshop.open { workshop in
            let sendmail = try await recording(in: workshop)
            let path = "\(workshop.path)/mail.sock"
            if hasStaleSocket { try HelperSocket(in: workshop).stopListening() }
            #expect(workshop.exists("mail.sock") == hasStaleSocket)
            #expect(await deliver(by: path, sendmail: sendmail) == .delivered("queued by \(sendmail)"))
        }
    }
}

@Suite struct `The report that the monitor has died` {
    private let failure = MonitorFailure(
        unit: "tokenvigil.service",
        host: "srv1",
        at: Date(timeIntervalSince1970: 1_800_000_000),
        result: "signal",
        status: "ABRT",
        isRestarted: true
    )

    @Test func `goes to every recipient, as a mail that nobody answers by machine`() async throws {
        try await Workshop.open { workshop in
            let sendmail = try await workshop.script(
                "cd \"${0%/*}\" && printf '%s\\n' \"$@\" > ran; cat > message",
                named: "sendmail"
            )
            let settings = SendmailNotifier.Settings(from: "a@example.com", to: ["b@example.com"], sendmail: sendmail)
            #expect(await failure.mail(by: settings) == .delivered("queued by \(sendmail)"))
            #expect(try workshop.contents(of: "ran") == "-i\n-f\na@example.com\n--\nb@example.com\n")
            let message = try workshop.contents(of: "message")
            #expect(message.contains("Subject: [tokenvigil] MONITOR FAILED: tokenvigil.service on srv1"))
            #expect(message.contains("Auto-Submitted: auto-generated\n"))
            #expect(message.contains("journalctl -u tokenvigil.service"))
        }
    }

    @Test func `names the cause that can be repaired`() {
        var configuration = failure
        (configuration.result, configuration.status, configuration.isRestarted) = ("exit-code", "78", false)
        #expect(configuration.summary == "tokenvigil.service on srv1 has died (its configuration cannot be used)")
        #expect(failure.summary == "tokenvigil.service on srv1 has died (signal ABRT) and is started again")
    }

    @Test func `cannot be made to write to somebody else`() async throws {
        let settings = SendmailNotifier.Settings(from: "a@example.com", to: ["-bs"], sendmail: "/bin/true")
        #expect(await failure.mail(by: settings) == .refused("an address is none"))
    }

    @Test func `has the message id that the catalog explains, and no alert has it`() throws {
        let catalog = try Repository.text("systemd/tokenvigil.catalog")
        #expect(catalog.contains("# monitor.failed\n-- \(MonitorFailure.journalMessageID)\n"))
        #expect(!AlertKind.allCases.map(\.journalMessageID).contains(MonitorFailure.journalMessageID))
    }
}
