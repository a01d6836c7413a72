import FoundationEssentials
import Glibc
import TokenHealth
import VigilConfiguration
import VigilControl
import VigilEngine
import VigilHTTPClient
import VigilNotifying
import VigilPlatform
import VigilProbing

/// What this process finds on this host: run inside the sandbox of the service, that is what the daemon finds.
struct HostExamination {
    /// Path of the configuration.
    let configuration: String
    let sendsMail: Bool

    /// Below this much room the database may soon not grow.
    private static let leastRoom = 64 << 20
    /// Where NIO's TLS looks for authorities on Linux.
    private static let authorities = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]

    func findings() async -> [Finding] {
        let loaded: Configuration
        do throws(ConfigurationErrors) {
            loaded = try ConfigurationLoader.load(path: configuration) { $0.problem }
        } catch {
            return error.problems.map {
                .bad("configuration", "\($0)", remedy: "correct it, then: tokenvigil config check")
            }
        }
        var findings = [
            Finding.good(
                "configuration",
                "\(configuration): \(loaded.tokens.count) tokens, \(loaded.notifiers.count) notifiers"
            )
        ]
        findings += loaded.warningSentences.map { .note("configuration", $0) }
        let environment = ProcessInfo.processInfo.environment
        findings += await secrets(of: loaded, environment: environment)
        findings += directories(of: loaded)
        findings += authorities(of: loaded)
        findings += await network(of: loaded, environment: environment)
        findings += notifiers(of: loaded)
        if sendsMail { findings += await mail(of: loaded, environment: environment) }
        findings.append(daemon(of: loaded))
        return findings
    }

    // MARK: - Secrets

    private func secrets(of configuration: Configuration, environment: [String: String]) async -> [Finding] {
        let reader = HostSecretReader(environment: environment)
        var findings: [Finding] = []
        for token in configuration.tokens {
            for source in [token.secret, token.asker].compactMap(\.self) {
                let subject = "secret of \(token.name)"
                if case .credential = source, environment["CREDENTIALS_DIRECTORY"] == nil {
                    findings.append(.note(subject, "\(source) is there for the service only"))
                    continue
                }
                do throws(SecretProblem) {
                    _ = try await reader.secret(from: source)
                    findings.append(exposure(of: source, subject: subject))
                } catch {
                    findings.append(.bad(subject, error.sentence, remedy: "then: tokenvigil probe \(token.name)"))
                }
            }
        }
        return findings
    }

    /// Whether others than the service may read or change a file that it can read.
    private func exposure(of source: SecretSource, subject: String) -> Finding {
        guard case .file(let path, _) = source else { return .good(subject, "\(source) is readable") }
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return .good(subject, "\(source) is readable") }
        let mode = "0" + String(status.st_mode & 0o7777, radix: 8)
        if status.st_mode & S_IWOTH != 0 {
            return .bad(
                subject,
                "\(path) can be changed by everybody (mode \(mode))",
                remedy: "sudo chmod 0640 \(path)"
            )
        }
        if status.st_mode & S_IRGRP != 0, status.st_gid != getegid(), status.st_gid != 0, getuid() != 0 {
            return .note(
                subject,
                "\(path) can be read by group \(status.st_gid), too",
                remedy: "sudo chgrp tokenvigil \(path)"
            )
        }
        return .good(subject, "\(path) is readable (mode \(mode)), and not by others")
    }

    // MARK: - Files

    private func directories(of configuration: Configuration) -> [Finding] {
        var findings: [Finding] = []
        let state = configuration.stateDirectory
        if unsafe access(state, R_OK | W_OK | X_OK) == 0 {
            var room = statvfs()
            let free = unsafe statvfs(state, &room) == 0 ? Int(room.f_bavail) * Int(room.f_frsize) : Int.max
            findings.append(
                free < HostExamination.leastRoom
                    ? .bad("state", "\(state) has only \(free >> 20) MiB left", remedy: "make room on its disk")
                    : .good("state", "\(state) can be written, \(free >> 20) MiB are free")
            )
        } else {
            findings.append(
                .bad(
                    "state",
                    "\(state) cannot be written: \(lastError())",
                    remedy: "let the user of the service write to it"
                )
            )
        }
        for (subject, path) in [
            ("status file", configuration.statusFile), ("control socket", configuration.controlSocket),
        ] {
            let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            let isWritable = unsafe access(directory.isEmpty ? "/" : directory, W_OK | X_OK) == 0
            findings.append(
                isWritable
                    ? .good(subject, "\(path) can be written")
                    : .bad(
                        subject,
                        "\(path) cannot be written: \(lastError())",
                        remedy: "create its directory, and let the user of the service write to it"
                    )
            )
        }
        return findings
    }

    private func authorities(of configuration: Configuration) -> [Finding] {
        var files = Set(configuration.tokens.compactMap(\.certificateAuthorities))
        if configuration.tokens.contains(where: { $0.certificateAuthorities == nil && $0.baseURL.hasPrefix("https:") })
        {
            let known = HostExamination.authorities
            guard let file = known.first(where: { FileManager.default.isReadableFile(atPath: $0) }) else {
                return [
                    .bad(
                        "authorities",
                        "none of \(known.joined(separator: ", ")) is there",
                        remedy: "apt install ca-certificates"
                    )
                ]
            }
            files.insert(file)
        }
        return files.sorted().map { file in
            let text =
                (try? RegularFile.contents(of: file, atMost: 1 << 24)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            let count = text.split(separator: "\n").count { $0.hasPrefix("-----BEGIN") && $0.contains("CERTIFICATE") }
            return count > 0
                ? .good("authorities", "\(file) holds \(count) certificates")
                : .bad(
                    "authorities",
                    "\(file) holds no certificate, or cannot be read",
                    remedy: "put PEM certificates into it"
                )
        }
    }

    // MARK: - Network and clock

    private func network(of configuration: Configuration, environment: [String: String]) async -> [Finding] {
        do {
            return try await HTTPClient.with(environment: environment) { client in
                await network(of: configuration, askedBy: HTTPProber(client: client, version: Version.text))
            }
        } catch {
            return [HostExamination.noConnections(error)]
        }
    }

    private static func noConnections(_ error: any Error) -> Finding {
        .bad("network", "\(error)", remedy: "raise LimitNOFILE and TasksMax of the unit")
    }

    private func network(of configuration: Configuration, askedBy prober: HTTPProber) async -> [Finding] {
        var hosts: [String: WatchedToken] = [:]
        for token in configuration.tokens { hosts[token.baseURL] = hosts[token.baseURL] ?? token }
        var findings: [Finding] = []
        var isClockKnown = false
        for (url, token) in hosts.sorted(by: { $0.key < $1.key }) {
            // Nothing about the token is in this request.
            let question = Question(method: "GET", url: url + "/", headers: [])
            let exchange = await prober.exchange(ProbeRequest(token: token, question: question, secret: nil))
            findings.append(reach(of: url, exchange))
            if !isClockKnown, case .answered(let answer) = exchange.outcome, let finding = clock(by: answer, from: url)
            {
                isClockKnown = true
                findings.append(finding)
            }
        }
        return findings
    }

    private func reach(of url: String, _ exchange: Exchange) -> Finding {
        let subject = "provider \(url)"
        switch exchange.outcome {
        case .answered(let answer):
            let way = url.hasPrefix("https:") ? "TLS is good" : "in plain text"
            return .good(subject, "answers (\(answer.status)) in \(exchange.latency.inMilliseconds) ms, \(way)")
        case .failed(let failure):
            let remedy =
                switch failure.kind {
                case .dns: "is the name right? then see /etc/resolv.conf"
                case .network: "is there a firewall, or a proxy to be set in the environment of the unit?"
                case .timeout: "is there a firewall that drops packets?"
                case .tls: "if it is an authority of your own, name it: ca_file"
                }
            return .bad(subject, "does not answer: \(failure.detail)", remedy: remedy)
        case .withheld(let problem):
            return .bad(subject, "was not asked: \(problem)", remedy: "tokenvigil config check")
        }
    }

    /// RFC 9110 section 6.6.1: `Date` is the time at which the answer was made.
    private func clock(by answer: Answer, from url: String) -> Finding? {
        guard let text = answer.headers.first(where: { $0.name.lowercased() == "date" })?.value,
            let date = HTTPDate.parse(text)
        else { return nil }
        let seconds = abs(Int(Date.now.timeIntervalSince(date)))
        guard seconds > 30 else { return .good("clock", "agrees with \(url) to \(max(1, seconds)) s") }
        return .bad(
            "clock",
            "is \(Duration.seconds(seconds).short) away from the time at \(url)",
            remedy: "let it be set by NTP: timedatectl set-ntp true"
        )
    }

    // MARK: - Ways to people

    private func notifiers(of configuration: Configuration) -> [Finding] {
        var findings = configuration.notifiers.map { notifier in
            let subject = "notifier \(notifier.name)"
            switch notifier.kind {
            case .sendmail(let settings): return mailer(settings.path, subject: subject)
            case .journald: return journal(subject: subject)
            case .command(let argv): return program(argv.first ?? "", subject: subject)
            case .webhook, .alertmanager:
                return Finding.good(subject, "is tried for real by: tokenvigil notify test \(notifier.name)")
            }
        }
        if findings.isEmpty {
            findings.append(.bad("notifiers", "nobody is told when a token dies", remedy: "name one under notifiers:"))
        }
        return findings
    }

    private func mailer(_ path: String, subject: String) -> Finding {
        let helper = MailErrand.socketPath
        if unsafe access(helper, W_OK) == 0 {
            return .good(subject, "\(helper) runs the mailer outside the sandbox; --mail sends a test")
        }
        var status = stat()
        guard unsafe stat(path, &status) == 0, unsafe access(path, X_OK) == 0 else {
            return .bad(
                subject,
                "\(path) cannot be run: \(lastError())",
                remedy: "install a mailer: postfix, exim4 or msmtp-mta"
            )
        }
        let needsPrivileges = status.st_mode & (S_ISUID | S_ISGID) != 0
        if needsPrivileges, hasNoNewPrivileges {
            return .bad(
                subject,
                "\(path) needs rights that this sandbox does not give",
                remedy: "sudo systemctl enable --now tokenvigil-mail.socket"
            )
        }
        return .good(subject, "\(path) can be run; --mail sends a test")
    }

    /// Whether programs started here can gain rights (prctl(2), PR_SET_NO_NEW_PRIVS).
    private var hasNoNewPrivileges: Bool {
        let status = (try? RegularFile.contents(of: "/proc/self/status", atMost: 1 << 16)) ?? []
        return String(decoding: status, as: UTF8.self).contains("NoNewPrivs:\t1")
    }

    private func journal(subject: String) -> Finding {
        let socket = "/run/systemd/journal/socket"
        return unsafe access(socket, W_OK) == 0
            ? .good(subject, "the journal takes entries")
            : .bad(
                subject,
                "the journal's socket \(socket) cannot be used: \(lastError())",
                remedy: "is systemd-journald running?"
            )
    }

    private func program(_ path: String, subject: String) -> Finding {
        unsafe access(path, X_OK) == 0
            ? .good(subject, "\(path) can be run")
            : .bad(subject, "\(path) cannot be run: \(lastError())", remedy: "correct argv, or its mode")
    }

    private func mail(of configuration: Configuration, environment: [String: String]) async -> [Finding] {
        do {
            return try await HTTPClient.with(environment: environment) { client in
                let secrets = HostSecretReader(environment: environment)
                return await mail(
                    of: configuration,
                    by: Notifiers(configuration: configuration, client: client, secrets: secrets)
                )
            }
        } catch {
            return [HostExamination.noConnections(error)]
        }
    }

    private func mail(of configuration: Configuration, by notifiers: Notifiers) async -> [Finding] {
        var findings: [Finding] = []
        for settings in configuration.notifiers {
            guard case .sendmail = settings.kind, let notifier = notifiers.byName[settings.name] else { continue }
            let subject = "mail by \(settings.name)"
            switch await notifier.deliver(.test(at: Date.now)) {
            case .delivered(let detail): findings.append(.good(subject, "a test alert is queued: \(detail)"))
            case .failed(let detail, _), .refused(let detail), .gone(let detail):
                findings.append(.bad(subject, detail, remedy: "see the log of the mailer"))
            }
        }
        return findings
    }

    /// The file may be fresh for a while after the daemon has stopped: only the daemon itself tells.
    private func daemon(of configuration: Configuration) -> Finding {
        let start = "sudo systemctl start tokenvigil"
        let answer: ControlClient.Answer
        do throws(ControlSocketError) {
            answer = try ControlClient(path: configuration.controlSocket).ask("GET", "/v1/status")
        } catch {
            return .bad("daemon", "is it running? \(error)", remedy: start)
        }
        guard let status = try? Wire.decoder().decode(StatusDocument.self, from: Data(answer.body)) else {
            return .bad("daemon", "what answers at \(configuration.controlSocket) is another program", remedy: start)
        }
        do {
            _ = try StatusReading(configuration: configuration, names: [], now: Date.now)
        } catch {
            return .bad(
                "daemon",
                (error as? Failure)?.message ?? "\(error)",
                remedy: "see its log: journalctl -u tokenvigil"
            )
        }
        guard status.monitor.problems.isEmpty else {
            let problems = status.monitor.problems.joined(separator: "; ")
            return .bad("daemon", problems, remedy: "see its log: journalctl -u tokenvigil")
        }
        return .good("daemon", "is at work, and its status file is fresh")
    }

    private func lastError() -> String { unsafe String(cString: strerror(errno)) }
}
