package import FoundationEssentials

/// What a monitoring plugin says of tokens: their state, and how long they still live.
package struct TokenPlugin: Sendable {
    /// When to tell of the time until a token expires, in days.
    package struct Thresholds: Sendable, Hashable {
        package var warning: PluginRange?
        package var critical: PluginRange?

        package init(warning: PluginRange? = nil, critical: PluginRange? = nil) {
            self.warning = warning
            self.critical = critical
        }

        /// The range that a token with so many days ahead of it breaks, the critical one first.
        func broken(by days: Double) -> (status: PluginStatus, range: PluginRange)? {
            if let critical, critical.alerts(on: days) { return (.critical, critical) }
            if let warning, warning.alerts(on: days) { return (.warning, warning) }
            return nil
        }
    }

    private let document: StatusDocument
    private let looks: [TokenLook]
    private let thresholds: Thresholds
    private let isOfEach: Bool
    private let time: Date

    /// - Parameters:
    ///   - document: the status file, which is not stale.
    ///   - names: those asked for; all for none.
    ///   - thresholds: of the days until a token expires.
    ///   - now: what time it is.
    package init(document: StatusDocument, names: [String], thresholds: Thresholds, now: Date) {
        self.document = document
        self.thresholds = thresholds
        time = now
        isOfEach = !names.isEmpty
        looks = (names.isEmpty ? document.tokens.keys.sorted() : names).compactMap { name in
            document.tokens[name].map { TokenLook(name: name, report: $0, thresholds: thresholds, now: now) }
        }
    }

    /// The whole answer, for so many `-v`.
    ///
    /// One explains what is wrong on the one line, two add a line for each token, three all that is known.
    package func answer(verbosity: Int) -> PluginAnswer {
        var details: [String] = []
        if verbosity >= 2 { details = looks.flatMap { $0.lines(inFull: verbosity >= 3) } }
        if verbosity >= 3 { details += monitorLines }
        return PluginAnswer(
            PluginStatus.worst(of: looks.map(\.status) + (tellsOfMonitor ? [.warning] : [])),
            text(isExplaining: verbosity == 1),
            data: data,
            details: details
        )
    }

    /// Whether an unhealthy monitor is a matter of this answer: it is where all tokens are asked for.
    private var tellsOfMonitor: Bool { !isOfEach && !document.monitor.healthy }

    // MARK: the first line

    /// Most tokens that are named on it.
    private static let named = 10

    private func text(isExplaining: Bool) -> String {
        // The worst first, else as they were asked for.
        let troubled = looks.filter { $0.status != .ok }.enumerated().sorted {
            ($1.element.status.weight, $0.offset) < ($0.element.status.weight, $1.offset)
        }.map(\.element)
        var sentences = troubled.prefix(TokenPlugin.named).map { $0.sentence(isExplaining: isExplaining) }
        if troubled.count > TokenPlugin.named { sentences.append("and \(troubled.count - TokenPlugin.named) more") }
        if troubled.isEmpty {
            sentences = ["\(looks.count) valid"]
            if thresholds != Thresholds(), let first { sentences.append("next: \(first.expiry)") }
        }
        let problems =
            isExplaining ? document.monitor.problems[...] : document.monitor.problems.prefix(tellsOfMonitor ? 1 : 0)
        sentences += problems.map { "the monitor: \($0)" }
        return sentences.joined(separator: isExplaining ? "; " : ", ")
    }

    /// The one that expires next.
    private var first: (expiry: String, seconds: Int)? {
        looks.compactMap { look in
            look.secondsLeft.map { ("\(look.name) \(look.expiryText ?? "")", $0) }
        }.min { $0.1 < $1.1 }
    }

    // MARK: numbers

    private var data: [PerformanceDatum] {
        let states = StateName.allCases.map { state in
            PerformanceDatum.count(state.rawValue, looks.count { $0.report.state == state }, of: looks.count)
        }
        let age = max(0, Int((time.timeIntervalSince(document.generatedAt) * 1000).rounded()))
        return states + [.length("age", milliseconds: age)] + (isOfEach ? looks.flatMap(numbers) : soonest)
    }

    private func numbers(of look: TokenLook) -> [PerformanceDatum] {
        let latency = look.report.lastProbe?.latencyMilliseconds.map { milliseconds in
            PerformanceDatum.length("\(look.name)_latency", milliseconds: max(0, milliseconds))
        }
        return [latency, look.secondsLeft.map { expiry("\(look.name)_expiry", $0) }].compactMap { $0 }
    }

    /// One number for all: a line for each of a thousand would be cut off by who reads it.
    private var soonest: [PerformanceDatum] {
        first.map { [expiry("expiry", $0.seconds)] } ?? []
    }

    private func expiry(_ label: String, _ seconds: Int) -> PerformanceDatum {
        .until(
            label,
            seconds: seconds,
            warning: thresholds.warning?.scaled(by: 86_400),
            critical: thresholds.critical?.scaled(by: 86_400)
        )
    }

    // MARK: more lines

    private var monitorLines: [String] {
        let monitor = document.monitor
        let first =
            "the monitor: tokenvigil \(monitor.version) on \(monitor.host), process \(monitor.pid), since "
            + "\(monitor.startedAt.minuteUTC); this was written at \(document.generatedAt.secondUTC), and holds until "
            + document.validUntil.secondUTC
        return [first] + monitor.problems.map { "  \($0)" }
    }
}
