package import TokenHealth

/// Everything the files say, checked and resolved: no secret, only where secrets are.
package struct Configuration: Sendable, Hashable {
    /// By name; at least one.
    package var tokens: [WatchedToken]
    /// By name.
    package var notifiers: [NotifierSettings]
    /// Absolute path.
    package var stateDirectory: String
    /// How long what has ended is remembered.
    package var historyKept: Duration
    /// Absolute path.
    package var statusFile: String
    /// Where the running daemon takes commands; absolute path.
    package var controlSocket: String
    /// Where the status page is shown, where it is.
    package var listen: ListenSettings?
    /// The file for the textfile collector of node_exporter; absolute path.
    package var metricsFile: String?
    /// Who is told regularly that this program is alive, where somebody is.
    package var heartbeat: Heartbeat?
    /// When all notifiers are tried, where they are.
    package var drill: DrillSchedule?
    /// What is allowed and probably not meant.
    package var warnings: [Problem]
    /// The files that were read, the main one first.
    package var files: [String]

    /// Where they are unless a file says otherwise.
    package static let defaultPath = "/etc/tokenvigil/tokenvigil.yaml"
    package static let defaultStateDirectory = "/var/lib/tokenvigil"
    package static let defaultStatusFile = "/run/tokenvigil/status.json"

    package static let usualHistory = Duration.seconds(400 * 86_400)
    /// Uptime is told of the last thirty days.
    package static let shortestHistory = Duration.seconds(31 * 86_400)

    /// The socket unless a file names another: in the directory of the status file, /run/tokenvigil/control.sock.
    private static func controlSocket(beside statusFile: String) -> String {
        let directory = statusFile.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        return directory.joined(separator: "/") + "/control.sock"
    }

    package init(
        tokens: [WatchedToken],
        notifiers: [NotifierSettings] = [],
        stateDirectory: String = Configuration.defaultStateDirectory,
        historyKept: Duration = Configuration.usualHistory,
        statusFile: String = Configuration.defaultStatusFile,
        controlSocket: String? = nil,
        listen: ListenSettings? = nil,
        metricsFile: String? = nil,
        heartbeat: Heartbeat? = nil,
        drill: DrillSchedule? = nil,
        warnings: [Problem] = [],
        files: [String] = []
    ) {
        self.tokens = tokens
        self.notifiers = notifiers
        self.stateDirectory = stateDirectory
        self.historyKept = historyKept
        self.statusFile = statusFile
        self.controlSocket = controlSocket ?? Configuration.controlSocket(beside: statusFile)
        self.listen = listen
        self.metricsFile = metricsFile
        self.heartbeat = heartbeat
        self.drill = drill
        self.warnings = warnings
        self.files = files
    }
}

/// A URL that is fetched regularly, so that something outside notices when this program is dead.
package struct Heartbeat: Sendable, Hashable {
    package let url: SecretOrLiteral
    package let every: Duration
    /// How long one sign may take.
    package let timeout: Duration

    package init(url: SecretOrLiteral, every: Duration = .seconds(60), timeout: Duration = .seconds(10)) {
        self.url = url
        self.every = every
        self.timeout = timeout
    }
}
