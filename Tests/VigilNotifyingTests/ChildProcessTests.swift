import FoundationEssentials
import Glibc
import TokenHealth
import Testing

@testable import VigilNotifying

@Suite struct `A child process` {
    private static let patience = Duration.seconds(60)

    private func run(
        _ script: String,
        input: [UInt8] = [],
        limit: Duration = patience,
        grace: Duration = .seconds(2),
        in workshop: Workshop
    ) async throws -> ChildProcess.Outcome {
        let program = try await workshop.script(script, named: "child-\(UUID().uuidString)")
        let child = ChildProcess(
            executable: program,
            arguments: [workshop.path],
            environment: ["GREETING": "hello world"],
            timeLimit: limit,
            grace: grace
        )
        return await child.run(input: input)
    }

    @Test(arguments: [0, 1, 2, 63, 64, 75, 78, 126, 127, 255] as [Int32])
    func `tells its exit status`(_ code: Int32) async throws {
        try await Workshop.open { workshop in
            let outcome = try await run("exit \(code)", in: workshop)
            #expect(outcome.ending == .exited(code))
        }
    }

    @Test func `tells the signal that ended it`() async throws {
        try await Workshop.open { workshop in
            let outcome = try await run("kill -9 $$", in: workshop)
            #expect(outcome.ending == .signaled(9))
        }
    }

    @Test func `reads all of its input`() async throws {
        try await Workshop.open { workshop in
            let outcome = try await run("wc -c", input: Array(repeating: 0x61, count: 3_000_000), in: workshop)
            #expect(outcome.complaint == "3000000")
        }
    }

    @Test func `has all of its input before it begins, so that no crash cuts it short`() async throws {
        try await Workshop.open { workshop in
            let input = Array(repeating: UInt8(ascii: "a"), count: 3_000_000)
            let outcome = try await run("stat -L -c %s /dev/stdin", input: input, in: workshop)
            #expect(outcome.complaint == "3000000")
        }
    }

    @Test func `gets its own environment and nothing else`() async throws {
        try await Workshop.open { workshop in
            let outcome = try await run("/usr/bin/env > \"$1/env\"", in: workshop)
            #expect(outcome.ending == .exited(0))
            let lines = try workshop.contents(of: "env").split(separator: "\n")
            // A shell adds these itself.
            let own = lines.filter { !$0.hasPrefix("PWD=") && !$0.hasPrefix("SHLVL=") && !$0.hasPrefix("_=") }
            #expect(Set(own) == ["GREETING=hello world", "PATH=\(ChildProcess.searchPath)"])
        }
    }

    @Test func `leads a process group of its own, with its signals as at birth`() async throws {
        try await Workshop.open { workshop in
            let script = """
                read -r _ _ _ _ group _ < /proc/$$/stat
                ignored=$(sed -n 's/^SigIgn:[^0-9a-f]*//p' /proc/$$/status)
                echo "$((0x$ignored & 0x7fffffff)) $(($$ - group))"
                """
            let outcome = try await run(script, in: workshop)
            // Signals 32 and 33 are glibc's own.
            #expect(outcome.complaint == "0 0")
        }
    }

    @Test(arguments: ["exit 3", "exec 0<&-; /bin/true; exit 3"])
    func `may ignore its input`(_ script: String) async throws {
        try await Workshop.open { workshop in
            let outcome = try await run(script, input: Array(repeating: 0x61, count: 3_000_000), in: workshop)
            #expect(outcome.ending == .exited(3))
        }
    }

    @Test func `may close its streams and go on`() async throws {
        try await Workshop.open { workshop in
            let script = "exec 0<&- 1>&- 2>&-; for i in 1 2 3 4 5 6 7 8; do /bin/true; done; exit 4"
            let outcome = try await run(script, input: Array(repeating: 0x61, count: 300_000), in: workshop)
            #expect(outcome.ending == .exited(4))
        }
    }

    @Test func `may say more than anybody wants to hear`() async throws {
        try await Workshop.open { workshop in
            let outcome = try await run("head -c 20000000 /dev/zero | tr '\\0' 'e' >&2; exit 75", in: workshop)
            #expect(outcome.ending == .exited(75))
            #expect(outcome.complaint == String(repeating: "e", count: 1024))
        }
    }

    @Test func `is quoted on one line`() async throws {
        try await Workshop.open { workshop in
            let outcome = try await run("printf 'one\\r\\ntwo\\033[2J\\000\\377three' >&2", in: workshop)
            #expect(outcome.complaint == "one two [2J \u{FFFD}three")
        }
    }

    @Test func `is not waited for longer than it lives, whatever it leaves running`() async throws {
        try await Workshop.open { workshop in
            let start = ContinuousClock.now
            let outcome = try await run("sleep 1000 & echo $! > \"$1/pid\"; exit 0", in: workshop)
            #expect(outcome.ending == .exited(0))
            #expect(start.duration(to: .now) < .seconds(50))
            let pid = try #require(pid_t(workshop.contents(of: "pid").trimmingSuffix("\n")))
            #expect(isRunning(pid), "a mailer that delivers in the background must be left alone")
            kill(pid, SIGKILL)
        }
    }

    @Test(arguments: [
        "sleep 1000",
        "cat > /dev/null; sleep 1000",
        "trap '' TERM; while :; do sleep 1000; done",
        "exec 0<&- 1>&- 2>&-; sleep 1000",
        "while :; do echo noise >&2; done",
    ])
    func `is ended at its time limit, with all its kin`(_ body: String) async throws {
        try await Workshop.open { workshop in
            let script =
                "(trap '' TERM; while :; do sleep 1000; done) & echo $! > \"$1/kin\"; echo $$ > \"$1/pid\"\n\(body)"
            let input = Array(repeating: UInt8(0x61), count: 300_000)
            let outcome = try await run(
                script,
                input: input,
                limit: .seconds(3),
                grace: .milliseconds(300),
                in: workshop
            )
            #expect(outcome.ending == .overran)
            for file in ["pid", "kin"] {
                let pid = try #require(pid_t(workshop.contents(of: file).trimmingSuffix("\n")))
                #expect(try await ends(pid), "\(file) \(pid) still runs")
            }
        }
    }

    @Test func `is given time to end well`() async throws {
        try await Workshop.open { workshop in
            let script = "trap 'echo tidy > \"$1/tidy\"; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
            let outcome = try await run(script, limit: .seconds(3), grace: .seconds(30), in: workshop)
            #expect(outcome.ending == .overran)
            #expect(workshop.exists("tidy"))
        }
    }

    @Test func `ends when the task that waits for it is cancelled`() async throws {
        try await Workshop.open { workshop in
            let program = try await workshop.script("trap '' TERM; echo $$ > \"$1/pid\"; while :; do sleep 1000; done")
            let child = ChildProcess(
                executable: program,
                arguments: [workshop.path],
                timeLimit: Self.patience,
                grace: .milliseconds(100)
            )
            let outcome = try await withThrowingTaskGroup(of: ChildProcess.Outcome.self) { group in
                group.addTask { await child.run(input: []) }
                try await eventually { workshop.exists("pid") }
                group.cancelAll()
                return try await group.next()
            }
            #expect(outcome?.ending == .cancelled)
            let pid = try #require(pid_t(workshop.contents(of: "pid").trimmingSuffix("\n")))
            #expect(try await ends(pid))
        }
    }

    @Test func `must exist and be executable`() async throws {
        try await Workshop.open { workshop in
            _ = FileManager.default.createFile(atPath: "\(workshop.path)/data", contents: Data("#!/bin/sh\n".utf8))
            for program in [
                "\(workshop.path)/missing", "\(workshop.path)/data", workshop.path, "no-such-program-anywhere",
            ] {
                let child = ChildProcess(executable: program, arguments: [], timeLimit: Self.patience)
                let ending = await child.run(input: []).ending
                #expect(ending == .notFound, "\(program)")
            }
        }
    }

    private func isRunning(_ pid: pid_t) -> Bool {
        guard let status = try? String(decoding: Data(contentsOf: URL(filePath: "/proc/\(pid)/stat")), as: UTF8.self),
            let state = status.split(separator: ")").last?.split(separator: " ").first
        else { return false }
        return state != "Z" && state != "X"
    }

    private func ends(_ pid: pid_t) async throws -> Bool {
        (try? await eventually { !isRunning(pid) }) != nil
    }
}

/// Returns once `condition` holds.
///
/// - Throws: where that takes longer than twenty seconds.
func eventually(_ condition: () -> Bool) async throws {
    struct TooLate: Error {}
    let start = ContinuousClock.now
    while !condition() {
        guard start.duration(to: .now) < .seconds(20) else { throw TooLate() }
        try await Task.sleep(for: .milliseconds(5))
    }
}

extension String {
    func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
