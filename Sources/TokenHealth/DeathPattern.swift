package import FoundationEssentials

/// One death of the record, as far as a pattern is sought in it.
package struct RecordedDeath: Sendable, Hashable {
    package var token: TokenName
    /// Last time the secret was known to work; `nil` where it never was.
    package var lastAcceptedAt: Date?
    package var diedAt: Date
    package var lived: Duration?
    package var reason: RejectionReason

    package init(
        token: TokenName,
        lastAcceptedAt: Date?,
        diedAt: Date,
        lived: Duration?,
        reason: RejectionReason
    ) {
        self.token = token
        self.lastAcceptedAt = lastAcceptedAt
        self.diedAt = diedAt
        self.lived = lived
        self.reason = reason
    }
}

/// What the deaths of one owner's tokens have in common.
///
/// It says what was observed and nothing beyond: no pattern below ``DeathPattern/fewest`` deaths, and none that chance
/// alone would show in more than about one record of a hundred; for lifetimes that are alike, one of fifty.
package struct DeathPattern: Sendable, Hashable {
    /// Fewest deaths from which anything is concluded.
    package static let fewest = 4
    /// Deaths so close together are one: a single log-out kills every token of its owner.
    private static let sameMoment = 15.0 * 60
    /// Longest time between the last acceptance and the first rejection in which an hour of death is known.
    private static let vagueness = 3600.0

    /// Deaths, those of one moment counted once.
    package let deaths: Int
    package let lifetimes: Lifetimes?
    /// Deaths whose hour is known: those in the histograms.
    package let timed: Int
    /// Monday first, in local time.
    package let weekdays: [Int]
    /// From midnight on, in local time.
    package let hours: [Int]
    package let zone: String
    package let findings: [Finding]
    private let reasons: Set<RejectionReason>

    /// From the first sight of a secret to its death.
    package struct Lifetimes: Sendable, Hashable {
        package let count: Int
        package let median: Duration
        package let shortest: Duration
        package let longest: Duration
    }

    /// Something that chance alone rarely shows.
    package enum Finding: Sendable, Hashable {
        /// All lifetimes are close to this one.
        case regular(Duration)
        /// So many of the deaths fell on Monday to Friday, 08:00 to 18:00.
        case workingHours(Int)
        /// All on one day of the week, Monday being 0.
        case weekday(Int)
        /// All within two hours of the day, of which this is the first.
        case hour(Int)
    }

    /// The pattern of `record`, or `nil` for too few deaths.
    package init?(of record: some Sequence<RecordedDeath>, on clock: WallClock) {
        var events: [RecordedDeath] = []
        for death in record.sorted(by: { ($0.diedAt, $0.token) < ($1.diedAt, $1.token) }) {
            let isSame = events.last.map { death.diedAt.timeIntervalSince($0.diedAt) <= DeathPattern.sameMoment }
            if isSame != true { events.append(death) }
        }
        guard events.count >= DeathPattern.fewest else { return nil }
        deaths = events.count
        zone = clock.zone
        reasons = Set(events.map(\.reason))
        lifetimes = Lifetimes(of: events.compactMap(\.lived))
        let known = events.filter { event in
            event.lastAcceptedAt.map { event.diedAt.timeIntervalSince($0) <= DeathPattern.vagueness } ?? false
        }
        let moments = known.map { clock.hourOfWeek(at: $0.diedAt) }
        timed = moments.count
        weekdays = (0..<7).map { day in moments.count { $0 / 24 == day } }
        hours = (0..<24).map { hour in moments.count { $0 % 24 == hour } }
        findings =
            (lifetimes.flatMap(\.regularity).map { [.regular($0)] } ?? [])
            + DeathPattern.findings(at: moments, weekdays: weekdays, hours: hours)
    }

    private static func findings(at moments: [Int], weekdays: [Int], hours: [Int]) -> [Finding] {
        let count = moments.count
        guard count >= fewest else { return [] }
        var findings: [Finding] = []
        let worked = moments.count { $0 / 24 < 5 && (8..<18).contains($0 % 24) }
        if Chance.ofAtLeast(worked, of: count, each: 50.0 / 168) <= Chance.rare {
            findings.append(.workingHours(worked))
        }
        if let day = weekdays.firstIndex(of: count) { findings.append(.weekday(day)) }
        if let hour = hours.indices.first(where: { hours[$0] + hours[($0 + 1) % 24] == count && hours[$0] > 0 }) {
            findings.append(.hour(hour))
        }
        return findings
    }
}

extension DeathPattern.Lifetimes {
    fileprivate init?(of lifetimes: [Duration]) {
        let sorted = lifetimes.sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        count = sorted.count
        let middle = sorted.count / 2
        median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
        shortest = first
        longest = last
    }

    /// The median, where every lifetime is close to it.
    ///
    /// Of lifetimes that are evenly spread between nothing and a maximum, so many are so alike in one record of fifty
    /// (simulated: 2.1 % of four, 0.5 % of five, 1.4 % of six).
    fileprivate var regularity: Duration? {
        guard count >= DeathPattern.fewest, median > .zero else { return nil }
        let tolerance = median * (count < 6 ? 0.2 : 0.33)
        return longest - median <= tolerance && median - shortest <= tolerance ? median : nil
    }
}

private enum Chance {
    /// What is as improbable as this is worth mentioning.
    static let rare = 0.01

    /// Probability that of `count` independent events at least `some` happen.
    static func ofAtLeast(_ some: Int, of count: Int, each: Double) -> Double {
        guard some > 0 else { return 1 }
        // Terms of the binomial distribution, each from the one before: none of them overflows.
        var term = 1.0
        for _ in 0..<count { term *= 1 - each }
        var below = 0.0
        for index in 0..<some {
            below += term
            term *= Double(count - index) / Double(index + 1) * each / (1 - each)
        }
        return max(0, 1 - below)
    }
}

// MARK: - For people

extension DeathPattern {
    /// The pattern in one sentence, or `nil` where there is none.
    package var sentence: String? {
        guard !findings.isEmpty else { return nil }
        let facts = findings.map(words).joined(separator: ", ")
        return "\(facts)\(meaning.map { ": \($0)" } ?? "") (seen in \(deaths) deaths; a pattern, not proof)"
    }

    private func words(for finding: Finding) -> String {
        switch finding {
        case .regular(let length): "dies about every \(length.roughly)"
        case .workingHours(let count):
            (count == timed ? "always" : "\(count) of \(timed) times") + " within working hours (\(zone))"
        case .weekday(let day): "always on a \(DeathPattern.dayNames[day])"
        case .hour(let hour): "always between \(hour):00 and \((hour + 2) % 24):00 (\(zone))"
        }
    }

    /// What such a pattern usually comes from.
    private var meaning: String? {
        if reasons == [.expired] { return "it expires; renew it before its time" }
        guard reasons.isDisjoint(with: [.expired, .wrongIdentity]) else { return nil }
        if findings.contains(where: \.isAboutWork) {
            return "most likely logged out by hand; use a service account that never logs out"
        }
        if findings.contains(where: \.isAboutTime) {
            return "most likely something on a schedule ends it; look for a job that logs in or cleans up"
        }
        return "most likely it has a fixed life; ask the provider, and renew it before its time"
    }

    /// Monday first.
    package static let dayNames = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
}

extension DeathPattern.Finding {
    fileprivate var isAboutWork: Bool {
        switch self {
        case .workingHours: true
        case .regular, .weekday, .hour: false
        }
    }

    fileprivate var isAboutTime: Bool {
        switch self {
        case .weekday, .hour: true
        case .regular, .workingHours: false
        }
    }
}

extension Duration {
    /// In one unit: `9 days`, `36 hours`, `50 minutes`.
    fileprivate var roughly: String {
        let minutes = inSeconds / 60
        if minutes >= 2 * 1440 { return "\(Int((minutes / 1440).rounded())) days" }
        if minutes >= 120 { return "\(Int((minutes / 60).rounded())) hours" }
        return "\(max(1, Int(minutes.rounded()))) minutes"
    }
}

// MARK: - For programs

extension DeathPattern: Encodable {
    private enum CodingKeys: String, CodingKey {
        case deaths, timed, weekdays, hours, sentence
        case lifetimes = "lifetime"
        case zone = "time_zone"
    }

    private enum LifetimeKeys: String, CodingKey {
        case count = "n"
        case median = "median_s"
        case shortest = "shortest_s"
        case longest = "longest_s"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(deaths, forKey: .deaths)
        try container.encode(timed, forKey: .timed)
        try container.encode(weekdays, forKey: .weekdays)
        try container.encode(hours, forKey: .hours)
        try container.encode(zone, forKey: .zone)
        try container.encode(sentence, forKey: .sentence)
        guard let lifetimes else { return try container.encodeNil(forKey: .lifetimes) }
        var lives = container.nestedContainer(keyedBy: LifetimeKeys.self, forKey: .lifetimes)
        try lives.encode(lifetimes.count, forKey: .count)
        try lives.encode(lifetimes.median.components.seconds, forKey: .median)
        try lives.encode(lifetimes.shortest.components.seconds, forKey: .shortest)
        try lives.encode(lifetimes.longest.components.seconds, forKey: .longest)
    }
}
