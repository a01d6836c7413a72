import ArgumentParser
import FoundationEssentials
import Logging
import VigilConfiguration
import VigilStorage
import VigilSystemd

/// The daemon, in the foreground.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch, in the foreground, until SIGTERM; SIGHUP reads the configuration again.",
        discussion: "Exit code: 0 after a clean stop, 78 for a configuration that cannot be used."
    )

    @OptionGroup var common: CommonOptions

    @Option(name: .long, help: "How much to log: debug, info, notice, warning or error.", transform: level)
    var logLevel = Logger.Level.info

    @Option(
        name: .long,
        help: "How to log: auto, text, journal or json. With auto, to the journal with fields where systemd runs this."
    )
    var logFormat = LogFormat.auto

    private static func level(_ text: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: text) else {
            throw ValidationError("a log level is debug, info, notice, warning or error, not '\(text)'")
        }
        return level
    }

    func run() async throws {
        let logger = logFormat.logger(level: logLevel)
        let daemon = Daemon(
            configuration: try configuration(logger),
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
    private func configuration(_ logger: Logger) throws -> Configuration {
        guard !logFormat.isForPeople else {
            let configuration = try common.load()
            configuration.tellWarnings()
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
