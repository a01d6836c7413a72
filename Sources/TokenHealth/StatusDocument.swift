package import FoundationEssentials

/// The status file, `tokenvigil.status/1`.
package struct StatusDocument: Sendable, Hashable, Codable {
    package static let schemaName = "tokenvigil.status/1"

    package var schema: String
    package var generatedAt: Date
    /// After this time a reader must treat the file as unknown.
    package var validUntil: Date
    package var monitor: MonitorReport
    package var summary: [String: Int]
    package var worst: StateName
    package var tokens: [String: TokenReport]
    package var notifiers: [String: NotifierReport]

    /// Puts the document together and counts the states.
    package init(
        generatedAt: Date,
        validUntil: Date,
        monitor: MonitorReport,
        tokens: [TokenName: TokenReport],
        notifiers: [String: NotifierReport]
    ) {
        schema = StatusDocument.schemaName
        self.generatedAt = generatedAt
        self.validUntil = validUntil
        self.monitor = monitor
        self.tokens = Dictionary(uniqueKeysWithValues: tokens.map { ($0.key.text, $0.value) })
        self.notifiers = notifiers
        let census = StateCensus(tokens.values.lazy.map(\.state))
        summary = census.summary
        worst = census.worst
    }

    private enum CodingKeys: String, CodingKey {
        case schema, monitor, summary, worst, tokens, notifiers
        case generatedAt = "generated_at"
        case validUntil = "valid_until"
    }
}

/// The daemon itself, in the status file.
package struct MonitorReport: Sendable, Hashable, Codable {
    package var version: String
    package var pid: Int
    package var host: String
    package var startedAt: Date
    package var healthy: Bool
    package var problems: [String]
    /// When the configuration in use was loaded.
    package var configurationLoadedAt: Date?
    /// Whether the last configuration that was to be loaded is in use; `nil` in files of older versions.
    package var lastReloadSuccessful: Bool?

    package init(
        version: String,
        pid: Int,
        host: String,
        startedAt: Date,
        healthy: Bool = true,
        problems: [String] = []
    ) {
        self.version = version
        self.pid = pid
        self.host = host
        self.startedAt = startedAt
        self.healthy = healthy
        self.problems = problems
        configurationLoadedAt = startedAt
        lastReloadSuccessful = true
    }

    private enum CodingKeys: String, CodingKey {
        case version, pid, host, healthy, problems
        case startedAt = "started_at"
        case configurationLoadedAt = "config_loaded_at"
        case lastReloadSuccessful = "config_last_reload_successful"
    }
}

/// One notifier, in the status file.
package struct NotifierReport: Sendable, Hashable, Codable {
    /// How a notifier is doing.
    package enum State: String, Sendable, Hashable, Codable {
        case ok, failing, disabled
    }

    package var state: State
    package var pending: Int
    package var oldestPendingAt: Date?
    package var lastDeliveredAt: Date?
    package var lastError: String?

    package init(
        state: State = .ok,
        pending: Int = 0,
        oldestPendingAt: Date? = nil,
        lastDeliveredAt: Date? = nil,
        lastError: String? = nil
    ) {
        self.state = state
        self.pending = pending
        self.oldestPendingAt = oldestPendingAt
        self.lastDeliveredAt = lastDeliveredAt
        self.lastError = lastError
    }

    private enum CodingKeys: String, CodingKey {
        case state, pending
        case oldestPendingAt = "oldest_pending_at"
        case lastDeliveredAt = "last_delivered_at"
        case lastError = "last_error"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(state, forKey: .state)
        try container.encode(pending, forKey: .pending)
        try container.encode(oldestPendingAt, forKey: .oldestPendingAt)
        try container.encode(lastDeliveredAt, forKey: .lastDeliveredAt)
        try container.encode(lastError, forKey: .lastError)
    }
}
