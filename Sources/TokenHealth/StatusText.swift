package import FoundationEssentials

/// Everything in the status file but the tokens.
package struct StatusHead: Sendable, Hashable {
    package var generatedAt: Date
    /// After this time a reader must treat the file as unknown.
    package var validUntil: Date
    package var monitor: MonitorReport
    /// How many tokens are in each state.
    package var census: StateCensus
    package var notifiers: [String: NotifierReport]

    package init(
        generatedAt: Date,
        validUntil: Date,
        monitor: MonitorReport,
        census: StateCensus = StateCensus(),
        notifiers: [String: NotifierReport]
    ) {
        self.generatedAt = generatedAt
        self.validUntil = validUntil
        self.monitor = monitor
        self.census = census
        self.notifiers = notifiers
    }
}

/// How many tokens are in each state.
package struct StateCensus: Sendable, Hashable {
    private var counts = [Int](repeating: 0, count: StateName.allCases.count)

    package init() {}

    /// Counts all of these.
    package init(_ states: some Sequence<StateName>) {
        for state in states { count(state) }
    }

    package mutating func count(_ state: StateName) { counts[StateCensus.place(of: state)] += 1 }

    package subscript(state: StateName) -> Int { counts[StateCensus.place(of: state)] }

    package var tokens: Int { counts.reduce(0, +) }

    /// The worst state that any token is in; with no tokens, nothing is wrong.
    package var worst: StateName { StateName.allCases.first { self[$0] > 0 } ?? .valid }

    /// As the status file has it.
    package var summary: [String: Int] {
        var summary = Dictionary(uniqueKeysWithValues: StateName.allCases.map { ($0.rawValue, self[$0]) })
        summary["tokens"] = tokens
        return summary
    }

    private static func place(of state: StateName) -> Int {
        switch state {
        case .invalid: 0
        case .misconfigured: 1
        case .limited: 2
        case .blind: 3
        case .suspect: 4
        case .unknown: 5
        case .pending: 6
        case .valid: 7
        }
    }
}

/// The text of the status file, from its head to its last token: a line for each token, so that a hundred thousand of them
/// need not be in memory at once.
///
/// What is counted is known only at the end. The head is therefore written twice, the second time in the place of the first.
package struct StatusText: Sendable {
    private var text = JSONText()
    private var isFirst = true
    private let room: Int
    private var census = StateCensus()

    /// - `head`: without its census.
    package init(_ head: StatusHead) {
        let length = StatusText.text(of: head).count
        room = length + StatusText.growth
    }

    /// The census grows by the digits of its counts, and by a longer word for the worst state.
    private static let growth = 256

    /// The bytes of the head as they are known now, always so many.
    package func head(_ head: StatusHead) -> [UInt8] {
        var counted = head
        counted.census = census
        let text = StatusText.text(of: counted)
        precondition(text.count <= room, "the head of the status file has outgrown its room")
        return text + [UInt8](repeating: UInt8(ascii: " "), count: room - text.count) + StatusText.beginning
    }

    /// The bytes of these tokens, which follow those before.
    package mutating func tokens(_ reports: ArraySlice<(name: TokenName, report: TokenReport)>) -> [UInt8] {
        text.clear()
        for index in reports.indices {
            text.raw(isFirst ? "" : ",\n")
            isFirst = false
            census.count(reports[index].report.state)
            text.string(reports[index].name.text)
            text.raw(":")
            text.report(reports[index].report)
        }
        return text.bytes
    }

    /// What stands before the first token.
    static let beginning = Array("\n\"tokens\":{\n".utf8)

    /// What follows the last token.
    package static let end = Array("}}\n".utf8)

    private static func text(of head: StatusHead) -> [UInt8] {
        var text = JSONText()
        text.head(head)
        return text.bytes
    }
}

extension JSONText {
    /// Everything before the tokens, with an open brace, a member a line.
    fileprivate mutating func head(_ head: StatusHead) {
        beginObject()
        member("schema")
        string(StatusDocument.schemaName)
        raw(",\n\"generated_at\":")
        date(head.generatedAt)
        raw(",\n\"valid_until\":")
        date(head.validUntil)
        raw(",\n\"monitor\":")
        monitor(head.monitor)
        raw(",\n\"notifiers\":")
        beginObject()
        for (name, report) in head.notifiers.sorted(by: { $0.key < $1.key }) {
            member(named: name)
            notifier(report)
        }
        endObject()
        raw(",\n\"summary\":")
        beginObject()
        member("tokens")
        number(head.census.tokens)
        for state in StateName.allCases.reversed() {
            member(named: state.rawValue)
            number(head.census[state])
        }
        endObject()
        raw(",\n\"worst\":")
        string(head.census.worst.rawValue)
        raw(",")
    }

    private mutating func monitor(_ report: MonitorReport) {
        beginObject()
        member("version")
        string(report.version)
        member("pid")
        number(report.pid)
        member("host")
        string(report.host)
        member("started_at")
        date(report.startedAt)
        member("healthy")
        bool(report.healthy)
        member("problems")
        array(report.problems) { $0.string($1) }
        if let loadedAt = report.configurationLoadedAt {
            member("config_loaded_at")
            date(loadedAt)
        }
        if let isSuccessful = report.lastReloadSuccessful {
            member("config_last_reload_successful")
            bool(isSuccessful)
        }
        endObject()
    }

    private mutating func notifier(_ report: NotifierReport) {
        beginObject()
        member("state")
        string(report.state.rawValue)
        member("pending")
        number(report.pending)
        member("oldest_pending_at")
        date(report.oldestPendingAt)
        member("last_delivered_at")
        date(report.lastDeliveredAt)
        member("last_error")
        string(report.lastError)
        endObject()
    }

    /// One token, on one line.
    fileprivate mutating func report(_ report: TokenReport) {
        beginObject()
        member("state")
        string(report.state.rawValue)
        member("reason")
        string(report.reason)
        member("since")
        date(report.since)
        member("explanation")
        string(report.explanation)
        member("provider")
        string(report.provider)
        member("owner")
        string(report.owner)
        member("fingerprint")
        string(report.fingerprint?.text)
        member("identity")
        optional(report.identity) { $0.identity($1) }
        member("last_probe")
        optional(report.lastProbe) { $0.probe($1) }
        member("last_accepted_at")
        date(report.lastAcceptedAt)
        member("first_rejected_at")
        date(report.firstRejectedAt)
        member("next_probe_at")
        date(report.nextProbeAt)
        member("expires_at")
        date(report.expiresAt)
        member("expiry_source")
        string(report.expirySource?.rawValue)
        member("uptime")
        uptime(report.uptime)
        member("incident")
        optional(report.incident) { $0.incident($1) }
        member("used_by")
        array(report.usedBy) { $0.dependant($1) }
        endObject()
    }

    private mutating func identity(_ identity: Identity) {
        beginObject()
        member("id")
        string(identity.id)
        member("name")
        string(identity.name)
        endObject()
    }

    private mutating func probe(_ probe: LastProbe) {
        beginObject()
        member("at")
        date(probe.at)
        member("verdict")
        string(probe.verdict.rawValue)
        member("http_status")
        number(probe.httpStatus)
        member("latency_ms")
        number(probe.latencyMilliseconds)
        endObject()
    }

    private mutating func uptime(_ uptime: Uptime) {
        beginObject()
        member("24h")
        number(uptime.day)
        member("7d")
        number(uptime.week)
        member("30d")
        number(uptime.month)
        endObject()
    }

    private mutating func incident(_ incident: IncidentReport) {
        beginObject()
        member("id")
        string(incident.id)
        member("opened_at")
        date(incident.openedAt)
        member("acknowledged")
        string(incident.acknowledged)
        member("silenced_until")
        date(incident.silencedUntil)
        endObject()
    }

    private mutating func dependant(_ dependant: Dependant) {
        beginObject()
        member("name")
        string(dependant.name)
        member("owner")
        string(dependant.owner)
        member("url")
        string(dependant.url)
        endObject()
    }
}
