import ArgumentParser
import FoundationEssentials
import Subprocess
import SystemPackage
import TallyfySimulator
import TokenHealth
import VigilConfiguration
import VigilPlatform
import VigilStorage
import VigilSystemd

/// The whole story, with a real daemon and a stand-in provider.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Play the whole story in under a minute: valid, log-out, alert, repair, recovered.",
        discussion: """
            It starts the stand-in API and this same program as a daemon, with files in a temporary directory, and \
            removes both at the end. Exit code: 0 if the story came true.
            """
    )

    @Flag(help: "Keep the files, and say where they are.") var keep = false

    func run() async throws {
        let stage = try await DemoStage.set()
        let storyCameTrue: Bool
        do {
            storyCameTrue = try await stage.play()
        } catch let error as DemoStage.Missed {
            Terminal.complain("the story did not come true: \(error.what)")
            storyCameTrue = false
        }
        await stage.strike(keeping: keep)
        if !storyCameTrue { throw ExitCode.failure }
    }
}

/// The files, the stand-in and the sinks of one demo.
struct DemoStage {
    /// Something that should have happened did not.
    struct Missed: Error {
        let what: String
    }

    private static let token = "hr-onboarding"
    private let directory: String
    private let simulator: TallyfySimulator
    private let sink: WebhookSink
    private let user: Int
    private let hasJournal = Journal().isReachable
    private let start = ContinuousClock.now

    private var configurationPath: String { directory + "/tokenvigil.yaml" }
    private var secretPath: String { directory + "/hr-onboarding" }
    private var statusPath: String { directory + "/status.json" }

    static func set() async throws -> DemoStage {
        let directory = try TemporaryDirectory.make(named: "tokenvigil-demo")
        let simulator = try await TallyfySimulator.start()
        let organization = simulator.addOrganization(name: "Example")
        let user = simulator.addUser(email: "hr-bot@example.com", organization: organization)
        return DemoStage(
            directory: directory,
            simulator: simulator,
            sink: try await WebhookSink.start(),
            user: user
        )
    }

    private init(directory: String, simulator: TallyfySimulator, sink: WebhookSink, user: Int) {
        self.directory = directory
        self.simulator = simulator
        self.sink = sink
        self.user = user
    }

    /// Plays the story with a daemon in a process of its own.
    ///
    /// - Returns: whether the daemon also stopped cleanly.
    /// - Throws: ``Missed`` for the first thing that did not happen.
    func play() async throws -> Bool {
        try writeFiles()
        say("A stand-in for the Tallyfy API listens on \(simulator.apiURL). The owner of a token logs in.")
        try putSecret()
        say("The configuration, as an administrator writes it (\(configurationPath)):")
        show(try String(contentsOfFile: configurationPath, encoding: .utf8))
        say("tokenvigil run --config \(configurationPath)")
        let log = directory + "/daemon.log"
        let output = unsafe try FileDescriptor.open(
            log,
            .writeOnly,
            options: [.create, .append],
            permissions: [.ownerReadWrite]
        )
        let result = try await Subprocess.run(
            .path(FilePath("/proc/self/exe")),
            arguments: ["run", "--config", configurationPath],
            input: .none,
            output: .fileDescriptor(output, closeAfterSpawningProcess: false),
            error: .fileDescriptor(output, closeAfterSpawningProcess: true)
        ) { execution in
            do {
                try await tell()
                try execution.send(signal: .terminate)
                return nil as Missed?
            } catch let missed as Missed {
                try execution.send(signal: .terminate)
                return missed
            }
        }
        if let missed = result.closureResult {
            show((try? String(contentsOfFile: log, encoding: .utf8)) ?? "")
            throw missed
        }
        say("SIGTERM: the daemon stops cleanly. This was the whole story.")
        return result.terminationStatus.isSuccess
    }

    /// Stops the stand-in and removes the files.
    func strike(keeping: Bool) async {
        await simulator.stop()
        await sink.stop()
        if keeping {
            print("the files are in \(directory)")
        } else {
            try? FileManager.default.removeItem(atPath: directory)
        }
    }

    // MARK: - The story

    private func tell() async throws {
        let alive = try await report(when: .valid)
        say("The token is \(Terminal.coloured("valid", as: .valid)): \(alive.explanation).")

        say("Now its owner logs out of the web app. Nobody is told, and every integration that holds the token breaks.")
        simulator.logout(user: user)
        let suspect = try await report(when: .suspect)
        say("\(Terminal.coloured("suspect", as: .suspect)): \(suspect.explanation).")
        let dead = try await report(when: .invalid)
        say("\(Terminal.coloured("invalid", as: .invalid)): \(dead.explanation).")

        let mail = try await mail(number: 1)
        say("On-call gets a mail. As it was handed to sendmail:")
        show(mail)
        let hook = try await webhook(number: 1)
        say("And a webhook, signed by the Standard Webhooks scheme:")
        show(hook)
        try await showJournal()

        say("On-call logs in as the owner, copies the new token, and puts it into the file. Nothing is restarted.")
        try putSecret()
        let recovered = try await report(when: .valid)
        say("\(Terminal.coloured("valid", as: .valid)) again: \(recovered.explanation).")
        let thanks = try await self.mail(number: 2)
        say("And the all-clear:")
        show(
            thanks.split(separator: "\n").prefix { !$0.isEmpty }.filter { $0.hasPrefix("Subject") }.joined(
                separator: "\n"
            )
        )
    }

    private func writeFiles() throws {
        let sendmail = directory + "/sendmail"
        let script = "#!/bin/sh\nn=$(ls \(directory) | grep -c '^mail-')\nexec cat > \(directory)/mail-$((n + 1))\n"
        try AtomicFile(path: sendmail, mode: 0o700).write(Array(script.utf8))
        try AtomicFile(path: directory + "/signing", mode: 0o600).write(Array("a-demo-key-of-some-length\n".utf8))
        let journal = hasJournal ? "\n  journal: {type: journald}" : ""
        let yaml = """
            version: 1
            defaults:
              interval: 2s
              confirm: {rejections: 3, over: 4s}
            tokens:
              \(DemoStage.token):
                provider: tallyfy
                base_url: \(simulator.apiURL)
                secret: {file: \(secretPath)}
                owner: hr-bot@example.com
                used_by:
                  - {name: Zapier new-hire flow, owner: hr-it@example.com, url: "https://wiki.example.com/zapier"}
            notifiers:
              oncall:  {type: webhook, url: "\(sink.url)", signing_secret: {file: \(directory)/signing}}
              mail:    {type: sendmail, from: tokenvigil@example.com, to: [oncall@example.com], sendmail: \(sendmail)}\(journal)
            state:  {directory: \(directory)/state}
            status: {file: \(statusPath)}

            """
        try AtomicFile(path: configurationPath, mode: 0o644).write(Array(yaml.utf8))
    }

    private func putSecret() throws {
        let secret = simulator.login(user: user)
        try AtomicFile(path: secretPath, mode: 0o600).write(Array((secret + "\n").utf8))
    }

    // MARK: - Waiting for what the daemon does

    private func report(when state: StateName) async throws -> TokenReport {
        try await waitFor("the token becomes \(state.rawValue)") {
            guard let bytes = try? Data(contentsOf: URL(filePath: statusPath)),
                let document = try? Wire.decoder().decode(StatusDocument.self, from: bytes),
                let report = document.tokens[DemoStage.token], report.state == state
            else { return nil }
            return report
        }
    }

    private func mail(number: Int) async throws -> String {
        try await waitFor("mail \(number) arrives") {
            let text = try? String(contentsOfFile: directory + "/mail-\(number)", encoding: .utf8)
            return text.flatMap { $0.contains("\n\n") ? $0 : nil }
        }
    }

    private func webhook(number: Int) async throws -> String {
        try await waitFor("webhook \(number) arrives") {
            guard sink.received.count >= number else { return nil }
            let request = sink.received[number - 1]
            let headers = request.headers.filter { $0.name.lowercased().hasPrefix("webhook") }
            let document = JSONValue(parsing: request.body)
            let body = document.flatMap { try? Wire.encoder(pretty: true).encode($0) } ?? Data(request.body)
            return headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
                + "\n\n" + String(decoding: body, as: UTF8.self)
        }
    }

    private func showJournal() async throws {
        guard hasJournal else {
            return say("And a journal entry, where there is a journal: journalctl -t tokenvigil -o verbose")
        }
        say("And a journal entry (journalctl -t tokenvigil -o json-pretty):")
        let text = try await waitFor("the journal entry arrives") { () async -> String? in
            let fields =
                "MESSAGE,MESSAGE_ID,PRIORITY,TOKENVIGIL_TOKEN,TOKENVIGIL_STATE,TOKENVIGIL_REASON,TOKENVIGIL_INCIDENT"
            let result = try? await Subprocess.run(
                .name("journalctl"),
                arguments: [
                    "-t", "tokenvigil", "-n", "1", "-o", "json-pretty", "--output-fields", fields,
                    "TOKENVIGIL_TOKEN=\(DemoStage.token)",
                ],
                output: .string(limit: 65_536)
            )
            let text = result?.standardOutput ?? ""
            return text.contains("TOKENVIGIL_TOKEN") ? text : nil
        }
        show(text)
    }

    /// Looks again and again until `look` gives something.
    private func waitFor<Value>(_ what: String, look: () async throws -> Value?) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            if let value = try await look() { return value }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Missed(what: "\(what), within 30 s")
    }

    // MARK: - Telling

    private func say(_ text: String) {
        let time = (ContinuousClock.now - start).inSeconds
        let seconds = (time * 10).rounded() / 10
        print("\n\(Terminal.dim("[\(seconds) s]")) \(Terminal.bold(text))")
        Terminal.flush()
    }

    private func show(_ text: String) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) { print("    \(line)") }
    }
}
