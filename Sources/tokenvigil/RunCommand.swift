import ArgumentParser
import FoundationEssentials
import Logging
import Glibc
import VigilConfiguration
import VigilPlatform
import VigilStorage
import VigilSystemd

/// The daemon, in the foreground.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch, in the foreground, until SIGTERM; SIGHUP reads the configuration again.",
        discussion: """
            Exit code: 0 after a clean stop, 71 where the host does not give it the open files or threads that it needs, 78 \
            for a configuration that cannot be used.
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(name: .long, help: "How much to log: debug, info, notice, warning or error.", transform: level)
    var logLevel = Logger.Level.info

    @Option(
        name: .long,
        help: "How to log: auto, text, journal or json. With auto, to the journal with fields where systemd runs this."
    )
    var logFormat = LogFormat.auto

    /// How many threads there are at most: two for each processor, and those that wait for programs and names.
    private static var threads: Int { 2 * max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) + 8 }

    private static func level(_ text: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: text) else {
            throw ValidationError("a log level is debug, info, notice, warning or error, not '\(text)'")
        }
        return level
    }

    /// What must come before a second thread: as the first process of a container this looks after another that does the
    /// work, and where there is no room for the work, that is said while something can be said.
    func prepare() throws {
        // What comes before the daemon listens for signals, or is none of its own, ends nothing.
        for number in [SIGHUP, SIGUSR1, SIGUSR2] { signal(number) { _ in } }
        if let ending = FirstProcess.standIn(arguments: CommandLine.arguments) { throw ExitCode(ending) }
        do throws(HostRoom.Want) {
            try HostRoom.check(threads: Run.threads)
        } catch {
            guard logFormat.isForPeople else {
                logFormat.logger(level: logLevel)
                    .critical("there is no room on this host", metadata: ["error": "\(error)"])
                throw ExitCode.noRoom
            }
            throw Failure("\(error)", code: .noRoom)
        }
    }

    func run() async throws {
        let queue = LogQueue()
        defer { queue.drain() }
        let logger = logFormat.logger(level: logLevel, on: queue)
        let daemon = Daemon(
            configuration: try configuration(logger, queue),
            configurationPath: common.config,
            environment: ProcessInfo.processInfo.environment,
            logger: logger
        )
        // A core would hold secrets. Failing to forbid it is worth a line, not a stop.
        if (try? ProcessHardening.disableCoreDumps()) == nil { logger.warning("core dumps stay on") }
        do {
            try await daemon.run()
        } catch let error as StorageError {
            guard logFormat.isForPeople else {
                logger.critical("the state cannot be used", metadata: ["error": "\(error)"])
                throw ExitCode.configuration
            }
            throw Failure("\(error)", code: .configuration)
        }
    }

    /// Loads the configuration; what is wrong with it is told where log lines go.
    private func configuration(_ logger: Logger, _ queue: LogQueue) throws -> Configuration {
        guard !logFormat.isForPeople else {
            let configuration = try common.load()
            queue.add { configuration.tellWarnings() }
            return configuration
        }
        do throws(ConfigurationErrors) {
            let configuration = try ConfigurationLoader.load(path: common.config)
            for sentence in configuration.warningSentences {
                logger.warning("a doubtful setting", metadata: ["problem": "\(sentence)"])
            }
            return configuration
        } catch {
            for problem in error.problems {
                logger.critical("the configuration cannot be used", metadata: ["problem": "\(problem)"])
            }
            throw ExitCode.configuration
        }
    }
}
