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
        findings += await NetworkExamination(configuration: loaded, environment: environment).findings()
        let status = runningStatus(of: loaded)
        findings += notifiers(of: loaded, reports: (try? status.get())?.notifiers ?? [:])
        if sendsMail { findings += await mail(of: loaded, environment: environment) }
        findings.append(daemon(of: loaded, status))
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
            let error = SystemError()
            findings.append(
                .bad(
                    "state",
                    "\(state) cannot be written: \(error)",
                    remedy: error.remedyOfOpening ?? "let the user of the service write to it"
                )
            )
        }
        for (subject, path) in [
            ("status file", configuration.statusFile), ("control socket", configuration.controlSocket),
        ] {
            let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            let isWritable = unsafe access(directory.isEmpty ? "/" : directory, W_OK | X_OK) == 0
            let error = SystemError()
            findings.append(
                isWritable
                    ? .good(subject, "\(path) can be written")
                    : .bad(
                        subject,
                        "\(path) cannot be written: \(error)",
                        remedy: error.remedyOfWriting
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
            if let fault = AuthoritiesFile.fault(at: file) {
                return .bad("authorities", "\(file): \(fault)", remedy: "put PEM certificates into it")
            }
            let bytes = (try? RegularFile.contents(of: file, atMost: AuthoritiesFile.longest)) ?? []
            return .good("authorities", "\(file) holds \(AuthoritiesFile.certificates(in: bytes)) certificates")
        }
    }

    // MARK: - Ways to people

    /// - `reports`: what a running daemon says of them.
    private func notifiers(of configuration: Configuration, reports: [String: NotifierReport]) -> [Finding] {
        var findings = configuration.notifiers.map { notifier in
            let subject = "notifier \(notifier.name)"
            if let report = reports[notifier.name], let trouble = trouble(in: report) {
                return Finding.bad(subject, trouble, remedy: "then: tokenvigil notify test \(notifier.name)")
            }
            switch notifier.kind {
            case .sendmail(let settings): return mailer(settings.path, subject: subject)
            case .journald: return journal(subject: subject)
            case .command(let argv): return program(argv.first ?? "", subject: subject)
            case .webhook, .alertmanager:
                return .note(subject, "was not tried; to try it for real: tokenvigil notify test \(notifier.name)")
            }
        }
        if findings.isEmpty {
            findings.append(.bad("notifiers", "nobody is told when a token dies", remedy: "name one under notifiers:"))
        }
        return findings
    }

    /// What the daemon says is wrong with a notifier; `nil` where nothing is.
    private func trouble(in report: NotifierReport) -> String? {
        let cause = report.lastError.map { ": \($0)" } ?? ""
        return switch report.state {
        case .ok: nil
        case .failing: "does not take what the daemon sends it\(cause)"
        case .disabled: "is closed for good, as the daemon has found\(cause)"
        }
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
                "\(path) cannot be run: \(SystemError())",
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
                "the journal's socket \(socket) cannot be used: \(SystemError())",
                remedy: "is systemd-journald running?"
            )
    }

    private func program(_ path: String, subject: String) -> Finding {
        unsafe access(path, X_OK) == 0
            ? .good(subject, "\(path) can be run")
            : .bad(subject, "\(path) cannot be run: \(SystemError())", remedy: "correct argv, or its mode")
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
            return [NetworkExamination.noConnections(error)]
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

    /// What the running daemon says, or why nothing is said.
    ///
    /// The file may be fresh for a while after the daemon has stopped: only the daemon itself tells.
    private func runningStatus(of configuration: Configuration) -> Result<StatusDocument, Finding> {
        let start = "sudo systemctl start tokenvigil"
        let answer: ControlClient.Answer
        do throws(ControlSocketError) {
            answer = try ControlClient(path: configuration.controlSocket).ask("GET", "/v1/status")
        } catch {
            return .failure(.bad("daemon", "is it running? \(error)", remedy: start))
        }
        guard let status = try? Wire.decoder().decode(StatusDocument.self, from: Data(answer.body)) else {
            let text = "what answers at \(configuration.controlSocket) is another program"
            return .failure(.bad("daemon", text, remedy: start))
        }
        return .success(status)
    }

    private func daemon(of configuration: Configuration, _ status: Result<StatusDocument, Finding>) -> Finding {
        let document: StatusDocument
        do throws(Finding) { document = try status.get() } catch { return error }
        do {
            _ = try StatusReading(configuration: configuration, names: [], now: Date.now)
        } catch {
            return .bad(
                "daemon",
                (error as? Failure)?.message ?? "\(error)",
                remedy: "see its log: journalctl -u tokenvigil"
            )
        }
        guard document.monitor.problems.isEmpty else {
            let problems = document.monitor.problems.joined(separator: "; ")
            return .bad("daemon", problems, remedy: "see its log: journalctl -u tokenvigil")
        }
        return .good("daemon", "is at work, and its status file is fresh")
    }
}
