import ArgumentParser
import FoundationEssentials
import Glibc
import VigilConfiguration

/// The configuration file.
struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Check the configuration, write a first one, print its schema.",
        subcommands: [CheckConfiguration.self, Initialize.self, Schema.self]
    )

    /// Every problem at once.
    struct CheckConfiguration: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "List everything that is wrong with the configuration.",
            discussion: "Exit code: 0, or 78 with every problem listed. With --probe also as `tokenvigil probe`."
        )

        @OptionGroup var common: CommonOptions
        @Flag(help: "Probe every token as well.") var probe = false

        func run() async throws {
            let configuration = try common.load()
            configuration.tellWarnings()
            let problems = configuration.pathProblems
            guard problems.isEmpty else {
                let list = problems.map { "\(common.config): \($0)" }.joined(separator: "\n")
                throw Failure("the configuration cannot be used\n\(list)", code: .configuration)
            }
            let tokens = configuration.tokens.count
            let names = configuration.notifiers.map(\.name)
            print(
                "\(common.config) is good: \(tokens) token\(tokens == 1 ? "" : "s"), "
                    + (names.isEmpty ? "no notifier" : "notifiers: " + names.joined(separator: ", "))
            )
            if probe {
                let command = try Probe.parse(["--config", common.config])
                try await command.run()
            }
        }
    }

    /// A first configuration.
    struct Initialize: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Write a commented configuration to start from.",
            discussion: "An existing file is never replaced. `--config -` writes to standard output."
        )

        @OptionGroup var common: CommonOptions

        func run() throws {
            if common.config == "-" { return print(StarterConfiguration.text, terminator: "") }
            let directory = URL(filePath: common.config).deletingLastPathComponent().path
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
            let descriptor = unsafe open(common.config, flags, 0o644)
            guard descriptor >= 0 else {
                let cause = unsafe String(cString: strerror(errno))
                let hint =
                    errno == EEXIST
                    ? "look at it, or name another with --config" : "does \(directory) exist, and may you write there?"
                throw Failure("\(common.config) cannot be created (\(cause)): \(hint)", code: .cannotCreate)
            }
            defer { close(descriptor) }
            let bytes = Array(StarterConfiguration.text.utf8)
            let written = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            guard written == bytes.count else {
                throw Failure("\(common.config) cannot be written: is the disk full?", code: .cannotCreate)
            }
            print("wrote \(common.config)\nnext: edit it, then: tokenvigil config check --config \(common.config)")
        }
    }

    /// For editors.
    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the JSON Schema of the configuration.")

        func run() throws { print(ConfigurationSchema.text, terminator: "") }
    }
}

/// The providers that are built in, and the ones configured.
struct ProviderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provider",
        abstract: "List the built-in providers, or print one in the form you can write yourself.",
        subcommands: [List.self, Show.self]
    )

    /// The names.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the built-in providers.")

        func run() throws { ProviderCatalog.builtIn.names.forEach { print($0) } }
    }

    /// One provider's YAML.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print a built-in provider as YAML.")

        @Argument(help: "Its name.") var name: String

        func run() throws {
            guard let text = ProviderCatalog.builtIn.yaml(of: name) else {
                let known = ProviderCatalog.builtIn.names.joined(separator: ", ")
                throw Failure("no built-in provider is called '\(name)'; there are: \(known)", code: .failure)
            }
            print(text, terminator: "")
        }
    }
}
