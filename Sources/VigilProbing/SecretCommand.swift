import Subprocess
import SystemPackage
import TokenHealth
import VigilPlatform

/// Gets a secret from a password manager: the standard output of a command, without a shell.
struct SecretCommand {
    let argv: [String]
    let environment: [String: String]
    /// Longest time the command may take.
    let limit: Duration

    /// Runs the command.
    ///
    /// - Throws: ``SecretProblem``, which holds nothing the command wrote: it may be the secret.
    func secret(source: String) async throws(SecretProblem) -> Secret {
        guard let program = argv.first else { throw .missing(source: source) }
        let arguments = Arguments(Array(argv.dropFirst()))
        var inherited: [Environment.Key: String] = [:]
        for key: Environment.Key in ["PATH", "HOME", "LANG", "XDG_RUNTIME_DIR"] {
            inherited[key] = environment[key.rawValue]
        }
        let childEnvironment = Environment.custom(inherited)
        let outcome: Outcome
        do {
            // Its time begins when there is room for it: a wait is no fault of the command.
            outcome = try await ProgramRoom.secrets.run {
                try await withThrowingTaskGroup(of: Outcome.self) { group in
                    group.addTask {
                        let result = try await run(
                            .path(FilePath(program)),
                            arguments: arguments,
                            environment: childEnvironment,
                            platformOptions: SecretCommand.ownGroup,
                            output: .bytes(limit: SecretLint.maximumLength + 256),
                            error: .discarded
                        )
                        return .ended(result.standardOutput, isSuccess: result.terminationStatus.isSuccess)
                    }
                    group.addTask {
                        try await Task.sleep(for: limit)
                        return .late
                    }
                    defer { group.cancelAll() }
                    return try await group.next() ?? .late
                }
            }
        } catch let error as SubprocessError where error.code == .outputLimitExceeded {
            throw .tooLong(source: source)
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw .unreadable(source: source, cause: "there is no such command")
        } catch let error as SubprocessError {
            // What keeps this process from starting or hearing another is a want of the host, unless it is about the program.
            if let number = error.underlyingError?.rawValue, !SystemError(number).isOfTheHost {
                throw .unreadable(source: source, cause: "the command could not be run: \(SystemError(number))")
            }
            let cause = error.underlyingError.map { "\(SystemError($0.rawValue))" }
            throw .unavailable(source: source, cause: "the command could not be run" + (cause.map { ": \($0)" } ?? ""))
        } catch let error as SystemError {
            throw .unavailable(source: source, cause: "the command could not be run: \(error)")
        } catch {
            throw .unavailable(source: source, cause: "the command could not be run")
        }
        switch outcome {
        case .late:
            throw .unreadable(source: source, cause: "the command took longer than \(limit.short)")
        case .ended(_, isSuccess: false): throw .unreadable(source: source, cause: "the command failed")
        case .ended(let output, isSuccess: true): return try SecretLint.secret(in: output, source: source)
        }
    }

    /// A command that must be stopped is stopped with everything it has started.
    private static var ownGroup: PlatformOptions {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .milliseconds(200))
        ]
        return options
    }

    private enum Outcome: Sendable {
        case ended([UInt8], isSuccess: Bool)
        case late
    }
}
