import FoundationEssentials
import Glibc
import Synchronization
import Testing
import TokenHealth
import VigilProbing

/// Where secrets come from, and what is said when they do not come.
@Suite(.timeLimit(.minutes(5))) struct SecretReaderTests {
    private func value(
        _ source: SecretSource,
        environment: [String: String] = [:],
        limit: Duration = .seconds(80)
    ) async throws -> String {
        try await HostSecretReader(environment: environment, commandLimit: limit)
            .secret(from: source).withExposedValue { $0 }
    }

    private func problem(
        _ source: SecretSource,
        environment: [String: String] = [:],
        limit: Duration = .seconds(80)
    ) async throws -> SecretProblem {
        try #require(
            await #expect(throws: SecretProblem.self) {
                try await value(source, environment: environment, limit: limit)
            }
        )
    }

    // MARK: - Files

    @Test(arguments: [0o600, 0o640, 0o440])
    func `a file gives its secret without the line end`(mode: Int) async throws {
        let directory = try ScratchDirectory()
        let path = try directory.write("tok-0123456789\n", to: "secret", mode: mode)
        #expect(try await value(.file(path: path)) == "tok-0123456789")
    }

    @Test func `a file is read anew every time`() async throws {
        let directory = try ScratchDirectory()
        let path = try directory.write("tok-one", to: "secret")
        let reader = HostSecretReader(environment: [:])
        let first = try await reader.secret(from: .file(path: path))
        try directory.write("tok-two", to: "secret")
        let second = try await reader.secret(from: .file(path: path))
        #expect(first != second)
    }

    @Test func `a file that is missing is missing`() async throws {
        let source = SecretSource.file(path: "/nonexistent/secret")
        #expect(try await problem(source) == .missing(source: "file /nonexistent/secret"))
    }

    @Test func `a directory is no secret`() async throws {
        let directory = try ScratchDirectory()
        let source = SecretSource.file(path: directory.path)
        let cause = "it is a directory, not a regular file"
        #expect(try await problem(source) == .unreadable(source: "\(source)", cause: cause))
    }

    @Test func `a named pipe is no secret and holds nothing up`() async throws {
        let directory = try ScratchDirectory()
        #expect(unsafe mkfifo(directory.path("pipe"), 0o600) == 0)
        let source = SecretSource.file(path: directory.path("pipe"))
        let cause = "it is a named pipe, not a regular file"
        #expect(try await problem(source) == .unreadable(source: "\(source)", cause: cause))
    }

    @Test func `a path through a file cannot be read`() async throws {
        let directory = try ScratchDirectory()
        let path = try directory.write("tok-0123456789", to: "secret")
        let source = SecretSource.file(path: path + "/secret")
        #expect(try await problem(source) == .unreadable(source: "\(source)", cause: "Not a directory"))
    }

    @Test func `a symbolic link is followed, and a circle of them is not`() async throws {
        let directory = try ScratchDirectory()
        try directory.write("tok-0123456789", to: "secret")
        #expect(unsafe symlink("secret", directory.path("link")) == 0)
        #expect(unsafe symlink("circle", directory.path("circle")) == 0)
        #expect(try await value(.file(path: directory.path("link"))) == "tok-0123456789")
        #expect(try await problem(.file(path: directory.path("circle"))).code == "secret_unreadable")
    }

    @Test(arguments: [0o644, 0o604, 0o666])
    func `a file that everybody may read is refused`(mode: Int) async throws {
        let directory = try ScratchDirectory()
        let source = SecretSource.file(path: try directory.write("tok-0123456789", to: "secret", mode: mode))
        #expect(try await problem(source) == .worldReadable(source: "\(source)"))
    }

    @Test(arguments: [0o644, 0o444])
    func `a file that everybody may read is read where the configuration allows it`(mode: Int) async throws {
        let directory = try ScratchDirectory()
        let path = try directory.write("tok-0123456789", to: "secret", mode: mode)
        #expect(try await value(.file(path: path, allowsWorldReadable: true)) == "tok-0123456789")
    }

    @Test func `a want of open files is no fault of the secret`() async {
        await #expect(processExitsWith: .success) {
            let directory = try ScratchDirectory()
            let file = SecretSource.file(path: try directory.write("tok-0123456789", to: "secret"))
            let command = SecretSource.command(argv: ["/bin/echo", "tok-0123456789"])
            let reader = HostSecretReader(environment: [:])
            var limit = rlimit(rlim_cur: 0, rlim_max: 1024)
            #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            for source in [file, command] {
                let problem = await #expect(throws: SecretProblem.self) { try await reader.secret(from: source) }
                guard case .unavailable("\(source)", let cause)? = problem else {
                    Issue.record("\(String(describing: problem))")
                    continue
                }
                #expect(source == command || cause == "Too many open files")
            }
        }
    }

    @Test(arguments: [8193, 100_000])
    func `a file that is too long is refused`(length: Int) async throws {
        let directory = try ScratchDirectory()
        let text = String(repeating: "a", count: length)
        let source = SecretSource.file(path: try directory.write(text, to: "secret"))
        #expect(try await problem(source) == .tooLong(source: "\(source)"))
    }

    @Test func `a secret of the greatest length is accepted`() async throws {
        let directory = try ScratchDirectory()
        let text = String(repeating: "a", count: 8192)
        let path = try directory.write(text + "\r\n", to: "secret")
        #expect(try await value(.file(path: path)) == text)
    }

    // MARK: - Credentials and the environment

    @Test func `a credential is read from the directory that systemd names, whatever its mode`() async throws {
        let directory = try ScratchDirectory()
        try directory.write("tok-0123456789\n", to: "bot", mode: 0o444)
        let environment = ["CREDENTIALS_DIRECTORY": directory.path]
        #expect(try await value(.credential(name: "bot"), environment: environment) == "tok-0123456789")
        #expect(
            try await problem(.credential(name: "other"), environment: environment)
                == .missing(source: "credential other")
        )
    }

    @Test(arguments: [[:], ["CREDENTIALS_DIRECTORY": ""]])
    func `a credential without systemd says what is missing`(environment: [String: String]) async throws {
        let problem = try await problem(.credential(name: "bot"), environment: environment)
        #expect(problem.sentence.contains("CREDENTIALS_DIRECTORY is not set"))
    }

    @Test(arguments: ["../outside", "sub/../../outside", "..", ".", "", "/etc/hostname", "a/b"])
    func `a credential cannot lie outside its directory`(name: String) async throws {
        let directory = try ScratchDirectory()
        try directory.write("tok-0123456789", to: "outside")
        try FileManager.default.createDirectory(
            atPath: directory.path("credentials/sub"),
            withIntermediateDirectories: true
        )
        let environment = ["CREDENTIALS_DIRECTORY": directory.path("credentials")]
        let problem = try await problem(.credential(name: name), environment: environment)
        #expect(problem.code == "secret_unreadable")
        #expect(problem.sentence.contains("it is not the name of a credential"))
    }

    @Test func `a variable of the environment gives its value`() async throws {
        let environment = ["BOT_TOKEN": " tok-0123456789 ", "EMPTY": ""]
        #expect(try await value(.environment(variable: "BOT_TOKEN"), environment: environment) == "tok-0123456789")
        let source = "environment variable"
        #expect(
            try await problem(.environment(variable: "OTHER"), environment: environment)
                == .missing(source: "\(source) OTHER")
        )
        #expect(
            try await problem(.environment(variable: "EMPTY"), environment: environment)
                == .empty(source: "\(source) EMPTY")
        )
    }

    // MARK: - Commands

    private func shell(_ script: String) -> SecretSource { .command(argv: ["/bin/sh", "-c", script]) }

    @Test func `a command gives what it writes`() async throws {
        #expect(try await value(shell("echo tok-0123456789; echo noise >&2")) == "tok-0123456789")
        #expect(try await value(.command(argv: ["/bin/echo", "tok-$HOME;id"])) == "tok-$HOME;id")
    }

    @Test func `a command gets a home and a path, and nothing else of the environment`() async throws {
        let environment = ["HOME": "/home/bot", "PATH": "/usr/bin:/bin", "OTHER_TOKEN": "tok-other"]
        let script = #"echo "$HOME,$PATH,${OTHER_TOKEN-none}""#
        #expect(try await value(shell(script), environment: environment) == "/home/bot,/usr/bin:/bin,none")
    }

    @Test func `what a command wrote is used again for as long as the configuration says, and no longer`() async throws
    {
        let count = FileManager.default.temporaryDirectory.appending(path: "vigil-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: count) }
        let clock = Mutex(ContinuousClock.now)
        let reader = HostSecretReader(environment: [:], now: { clock.withLock { $0 } })
        let script = "echo x >>\(count); echo tok-0123456789-$(wc -l <\(count) | tr -d ' ')"
        let source = SecretSource.command(argv: ["/bin/sh", "-c", script], cache: .seconds(300))
        func last() async throws -> Character? {
            try await reader.secret(from: source).withExposedValue { $0.last }
        }
        #expect(try await last() == "1")
        clock.withLock { $0 += .seconds(299) }
        #expect(try await last() == "1")
        clock.withLock { $0 += .seconds(1) }
        #expect(try await last() == "2")
        let anew = SecretSource.command(argv: ["/bin/sh", "-c", script + ";"])
        let second = try await reader.secret(from: anew).withExposedValue { $0.last }
        let third = try await reader.secret(from: anew).withExposedValue { $0.last }
        #expect((second, third) == ("3", "4"))
    }

    @Test func `a command that fails is told without what it wrote`() async throws {
        let problem = try await problem(shell("echo tok-0123456789; echo tok-0123456789 >&2; exit 3"))
        #expect(problem == .unreadable(source: "command /bin/sh", cause: "the command failed"))
        #expect(!"\(problem)\(problem.sentence)".contains("tok-"))
    }

    @Test func `a command that is not there is told`() async throws {
        let problem = try await problem(.command(argv: ["/nonexistent/command"]))
        #expect(problem.code == "secret_unreadable")
        #expect(problem.sentence.contains("/nonexistent/command"))
    }

    @Test(arguments: [
        "sleep 600", "trap '' TERM; sleep 600; sleep 600", "sleep 600 & wait", "echo tok-0123456789; exec sleep 600",
    ])
    func `a command that hangs ends at the time limit`(script: String) async throws {
        let started = ContinuousClock.now
        let problem = try await problem(shell(script), limit: .milliseconds(500))
        #expect(problem == .unreadable(source: "command /bin/sh", cause: "the command took longer than 500 ms"))
        #expect(ContinuousClock.now - started < .seconds(240))
    }

    @Test func `a command that hangs is stopped with its children`() async throws {
        let directory = try ScratchDirectory()
        let pipe = directory.path("pipe")
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        _ = try await problem(shell("sleep 600 3<>\(pipe) & wait"), limit: .milliseconds(500))
        // The child holds the pipe open until the kernel has buried it.
        let deadline = ContinuousClock.now + .seconds(60)
        while isRead(pipe), ContinuousClock.now < deadline { await Task.yield() }
        #expect(!isRead(pipe))
    }

    /// Whether somebody has a named pipe open: without a reader it cannot be opened for writing.
    private func isRead(_ pipe: String) -> Bool {
        let descriptor = unsafe open(pipe, O_WRONLY | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
    }

    @Test func `a command that leaves a child behind has given its secret all the same`() async throws {
        #expect(try await value(shell("sleep 100 & echo tok-0123456789")) == "tok-0123456789")
    }

    @Test func `a command that writes too much is refused`() async throws {
        let problem = try await problem(shell("head -c 100000 /dev/zero | tr '\\0' a"))
        #expect(problem == .tooLong(source: "command /bin/sh"))
    }
}
