import Logging
import ServiceLifecycle
import TokenHealth
import UnixSignals
import VigilConfiguration
import VigilEngine

/// Reads the configuration again on SIGHUP: validates it, then swaps the tokens; a bad file changes nothing.
struct ReloadService: Service {
    let path: String
    let running: Configuration
    let watch: TokenWatch
    let supervisor: SystemdSupervisor
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in await UnixSignalsSequence(trapping: .sighup) {
                // First thing, or `systemctl reload` returns before the reload is done; READY always follows.
                supervisor.reloading()
                await reload()
                supervisor.ready()
            }
        }
    }

    private func reload() async {
        let next: Configuration
        do throws(ConfigurationErrors) {
            next = try ConfigurationLoader.load(path: path) { $0.problem }
        } catch {
            logger.error("the new configuration has errors, the old one stays", metadata: ["problems": "\(error)"])
            supervisor.status("reload failed, the old configuration stays: \(error.problems.first?.description ?? "")")
            return
        }
        do {
            try await watch.adopt(next.tokens)
        } catch {
            logger.error("the store cannot be read, the old configuration stays", metadata: ["error": "\(error)"])
            return
        }
        logger.info("configuration reloaded", metadata: ["tokens": "\(next.tokens.count)"])
        if next.notifiers != running.notifiers || next.stateDirectory != running.stateDirectory
            || next.statusFile != running.statusFile
        {
            logger.warning("notifiers, state directory and status file change only with a restart")
        }
    }
}
