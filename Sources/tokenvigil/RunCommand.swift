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

    private static func level(_ text: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: text) else {
            throw ValidationError("a log level is debug, info, notice, warning or error, not '\(text)'")
        }
        return level
    }

    func run() async throws {
        let configuration = try common.load()
        configuration.tellWarnings()
        // A core would hold secrets. Failing to forbid it is worth a line, not a stop.
        if (try? ProcessHardening.disableCoreDumps()) == nil { Terminal.complain("warning: core dumps stay on") }
        var logger = Logger(label: "tokenvigil") { _ in ConsoleLog() }
        logger.logLevel = logLevel
        let daemon = Daemon(
            configuration: configuration,
            configurationPath: common.config,
            environment: ProcessInfo.processInfo.environment,
            logger: logger
        )
        do {
            try await daemon.run()
        } catch let error as StorageError {
            throw Failure("\(error)", code: .configuration)
        }
    }
}
