import Logging
import ServiceLifecycle
import TokenHealth
import UnixSignals
import VigilConfiguration
import VigilEngine

/// Reads the configuration again on SIGHUP.
struct ReloadService: Service {
    let reloader: Reloader
    let supervisor: SystemdSupervisor

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in await UnixSignalsSequence(trapping: .sighup) {
                // First thing, or `systemctl reload` returns before the reload is done; READY always follows.
                supervisor.reloading()
                // A failure is logged and shown by the reloader.
                _ = try? await reloader.reload()
                supervisor.ready()
            }
        }
    }
}

/// Reads the configuration again: validates it, then swaps the tokens; a bad file changes nothing.
struct Reloader: Sendable {
    let path: String
    let running: Configuration
    let watch: TokenWatch
    let supervisor: SystemdSupervisor
    let logger: Logger

    /// Why the old configuration stays.
    struct Failure: Error {
        let message: String
    }

    /// - Returns: how many tokens are watched now.
    func reload() async throws(Failure) -> Int {
        let next: Configuration
        do throws(ConfigurationErrors) {
            next = try ConfigurationLoader.load(path: path) { $0.problem }
        } catch {
            logger.error("the new configuration has errors, the old one stays", metadata: ["problems": "\(error)"])
            supervisor.status("reload failed, the old configuration stays: \(error.problems.first?.description ?? "")")
            throw Failure(message: "the new configuration has errors, the old one stays: \(error)")
        }
        do {
            try await watch.adopt(next.tokens)
        } catch {
            logger.error("the store cannot be read, the old configuration stays", metadata: ["error": "\(error)"])
            throw Failure(message: "the store cannot be read, the old configuration stays: \(error)")
        }
        logger.info("configuration reloaded", metadata: ["tokens": "\(next.tokens.count)"])
        if next.notifiers != running.notifiers || next.stateDirectory != running.stateDirectory
            || next.statusFile != running.statusFile || next.controlSocket != running.controlSocket
            || next.heartbeat != running.heartbeat || next.drill != running.drill
        {
            logger.warning("notifiers, state, status, control, heartbeat and drill change only with a restart")
        }
        return next.tokens.count
    }
}
