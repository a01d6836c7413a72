import Glibc
import Subprocess
import SystemPackage
import TokenHealth
import VigilPlatform
import VigilSystemd

/// Runs a program without a shell, in a process group of its own, with a given environment and within a time limit.
///
/// A child that has ended by itself keeps its background processes: mailers deliver there. One that must be stopped is
/// stopped with its whole group, first politely, then for certain.
struct ChildProcess: Sendable {
    /// What became of it, and what it said.
    struct Outcome: Sendable {
        var ending: Ending
        /// The beginning of its standard error, or of its standard output where that is empty, on one line.
        var complaint: String
    }

    /// How a run ended.
    enum Ending: Sendable, Hashable {
        case exited(Int32)
        case signaled(Int32)
        /// Stopped at the time limit.
        case overran
        /// Stopped because this program stops.
        case cancelled
        /// There is no such program, or it may not be executed.
        case notFound
        /// The system refused to start it or to watch it.
        case broken(String)
    }

    /// Where programs are looked for, and what the child gets as its `PATH`.
    static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Bytes of each output stream that are kept; the rest is read and dropped.
    private static let maximumOutput = 1024

    /// A path, or a name to look up in ``searchPath``.
    let executable: String
    let arguments: [String]
    /// All that the child gets besides `PATH`.
    var environment: [String: String] = [:]
    let timeLimit: Duration
    /// Time between the request to end and the end by force.
    var grace: Duration = .seconds(2)

    /// Runs the program with `input` on its standard input.
    ///
    /// All of the input is there before the child is: were this process to die between the two, a mailer would send what
    /// it has got by then, an empty mail perhaps. A child that does not read all of it is no failure: its exit status counts.
    func run(input: [UInt8]) async -> Outcome {
        do {
            return try await ProgramRoom.notifiers.run {
                let result = try await Subprocess.run(
                    configuration,
                    input: .fileDescriptor(try ChildProcess.file(holding: input), closeAfterSpawningProcess: true),
                    output: .sequence,
                    error: .sequence
                ) { execution in
                    await supervise(execution)
                }
                let remains = result.closureResult
                let ending = remains.isOverrun ? .overran : Ending(result.terminationStatus)
                return Outcome(ending: Task.isCancelled ? .cancelled : ending, complaint: remains.complaint)
            }
        } catch let error as SubprocessError where error.code == .executableNotFound {
            return Outcome(ending: .notFound, complaint: "")
        } catch is CancellationError {
            return Outcome(ending: .cancelled, complaint: "")
        } catch {
            return Outcome(ending: .broken("\(error)".oneLine.shortened(to: 200)), complaint: "")
        }
    }

    /// A file without a name, to be read from its beginning.
    private static func file(holding bytes: [UInt8]) throws -> FileDescriptor {
        let file = FileDescriptor(rawValue: MemoryFile.open())
        guard file.rawValue >= 0 else { throw Errno(rawValue: -file.rawValue) }
        do {
            try file.writeAll(bytes)
            try file.seek(offset: 0, from: .start)
        } catch {
            try? file.close()
            throw error
        }
        return file
    }

    private var configuration: Configuration {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = steps
        var variables = environment
        variables["PATH"] = ChildProcess.searchPath
        let pairs = variables.compactMap { name, value in Environment.Key(rawValue: name).map { ($0, value) } }
        return Configuration(
            executable: executable.contains("/") ? .path(FilePath(executable)) : .name(executable),
            arguments: Arguments(arguments),
            environment: .custom(Dictionary(pairs) { first, _ in first }),
            platformOptions: options
        )
    }

    private var steps: [TeardownStep] {
        [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: grace)]
    }
}

/// What this process needs to start programs.
package enum ProgramStarter {
    /// Has the threads and descriptors made by which programs are started and watched, while there is room for them.
    ///
    /// They are made once, at the first program; were there none to be had at that moment, none could be started ever after.
    package static func prepare() async {
        _ = await ChildProcess(executable: "true", arguments: [], timeLimit: .seconds(5)).run(input: [])
    }
}

// MARK: - Supervision

extension ChildProcess {
    private typealias Running = Execution<FileDescriptorInput, SequenceOutput, SequenceOutput>

    /// What a run left behind besides its exit status.
    private struct Remains: Sendable {
        var isOverrun: Bool
        var complaint: String
    }

    private enum Event: Sendable {
        case output([UInt8])
        case errorOutput([UInt8])
        case overrun
        case inTime
    }

    /// Hears the child until it has ended, or ends it.
    ///
    /// The child is still a zombie when this returns, so its process group cannot yet belong to anybody else.
    private func supervise(_ execution: Running) async -> Remains {
        await withTaskGroup(of: Event.self) { group in
            group.addTask { .output(await ChildProcess.beginning(of: execution.standardOutput)) }
            group.addTask { .errorOutput(await ChildProcess.beginning(of: execution.standardError)) }
            group.addTask { [timeLimit, steps] in
                guard (try? await Task.sleep(for: timeLimit, clock: .continuous)) != nil else { return .inTime }
                await execution.teardown(using: steps)
                return .overrun
            }
            var output: [UInt8] = []
            var errorOutput: [UInt8] = []
            var isOverrun = false
            var streams = 2
            while let event = await group.next() {
                switch event {
                case .output(let bytes): (output, streams) = (bytes, streams - 1)
                case .errorOutput(let bytes): (errorOutput, streams) = (bytes, streams - 1)
                case .overrun: isOverrun = true
                case .inTime: break
                }
                if streams == 0 {
                    streams = -1
                    await waitForEnd(of: execution)
                    group.cancelAll()
                }
            }
            if isOverrun || Task.isCancelled { try? execution.send(signal: .kill, toProcessGroup: true) }
            let complaint = errorOutput.isEmpty ? output : errorOutput
            return Remains(isOverrun: isOverrun, complaint: String(decoding: complaint, as: UTF8.self).oneLine)
        }
    }

    /// Returns when the child has ended.
    ///
    /// Its streams end with it, so this seldom waits: only for a child that closes all its streams and goes on.
    private func waitForEnd(of execution: Running) async {
        var pause = Duration.milliseconds(1)
        while !hasEnded(execution.processIdentifier.value) {
            guard (try? await Task.sleep(for: pause, clock: .continuous)) != nil else {
                return await execution.teardown(using: steps)
            }
            pause = min(pause * 2, .milliseconds(100))
        }
    }

    /// Whether the child is a zombie; it is left to Subprocess to bury it.
    private func hasEnded(_ child: pid_t) -> Bool {
        var information = unsafe siginfo_t()
        let result = unsafe waitid(P_PID, id_t(child), &information, WEXITED | WNOHANG | WNOWAIT)
        return unsafe result != 0 || information.si_signo == SIGCHLD
    }

    /// The first bytes of a stream, which is read to its end.
    private static func beginning(of stream: SubprocessOutputSequence) async -> [UInt8] {
        var kept: [UInt8] = []
        do {
            for try await buffer in stream {
                let room = maximumOutput - kept.count
                if room > 0 { unsafe buffer.withUnsafeBytes { unsafe kept.append(contentsOf: $0.prefix(room)) } }
            }
        } catch {
            // What has been read until then is all there is to quote; the exit status tells the rest.
        }
        return kept
    }
}

extension ChildProcess.Ending {
    fileprivate init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code): self = .exited(code)
        case .signaled(let signal): self = .signaled(signal)
        }
    }
}
