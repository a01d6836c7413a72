import ServiceLifecycle
import UnixSignals
import VigilEngine

/// Reads the configuration again on SIGHUP.
struct ReloadService: Service {
    let reloader: Reloader
    let supervisor: SystemdSupervisor
    /// Signalled after a reload: something may be due earlier than the watch last said.
    let probing: Wakeup

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in await UnixSignalsSequence(trapping: .sighup) {
                // First thing, or `systemctl reload` returns before the reload is done; READY always follows.
                supervisor.reloading()
                // A failure is logged and shown by the reloader.
                _ = try? await reloader.reload()
                supervisor.ready()
                probing.signal()
            }
        }
    }
}
