import Logging
import Synchronization
import VigilControl
import VigilEngine
import VigilPlatform

/// Where commands are taken: at one socket after another, as the configuration says.
final class CommandSocket: Sendable {
    private let relay: Relay<ControlServer>
    private let timekeeper: any Timekeeper
    private let logger: Logger
    private let actions = Mutex<(any ControlActions)?>(nil)

    init(relay: Relay<ControlServer>, timekeeper: any Timekeeper, logger: Logger) {
        self.relay = relay
        self.timekeeper = timekeeper
        self.logger = logger
    }

    /// Listens from now on; `actions` are what the commands do.
    func begin(at path: String, doing actions: any ControlActions) {
        self.actions.withLock { $0 = actions }
        listen(at: path)
    }

    /// Listens there from now on, and no longer where it did before.
    func listen(at path: String) {
        guard let actions = actions.withLock({ $0 }) else { return }
        var limits = ControlServer.Limits()
        limits.connections = FileShares.ofThisProcess.controlCallers
        relay.hand(
            over: ControlServer(path: path, actions: actions, timekeeper: timekeeper, limits: limits, logger: logger)
        )
    }
}
