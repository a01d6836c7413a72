import FoundationEssentials

/// What comes and goes is told a few times, then as one: the third time within an hour people hear that it does, and next
/// when all has been well for a while.
///
/// A death and its recovery are never held back: a flap filter that hides the real problem is worse than none.
extension Belief {
    /// So many alarms within ``flapWindow`` are flapping.
    static let flapLimit = 3
    static let flapWindow = 3600.0
    /// How long all must be well before that is believed, in seconds.
    static let calm = 900.0

    /// Whether people have been told often enough.
    func flaps(at now: Date) -> Bool {
        (alarms ?? []).count { now.timeIntervalSince($0) < Belief.flapWindow } >= Belief.flapLimit
    }

    /// Takes note that people are told of something less than a death.
    ///
    /// - Returns: how many times that was within the window.
    mutating func noteAlarm(at now: Date) -> Int {
        let recent = (alarms ?? []).filter { now.timeIntervalSince($0) < Belief.flapWindow } + [now]
        alarms = recent
        return recent.count
    }

    /// It is back, before people were told that it was over.
    mutating func noteRelapse() {
        guard let relapses = incident.map({ $0.relapses ?? 0 }), incident?.calmSince != nil else { return }
        incident?.calmSince = nil
        incident?.relapses = relapses + 1
    }

    /// Whether the incident stays open although all is well, because it has come back too often to believe it.
    mutating func isWellTooBriefly(at now: Date) -> Bool {
        guard let incident, !incident.hasBeenDeath, incident.calmSince != nil || flaps(at: now) else { return false }
        let since = incident.calmSince ?? now
        guard now.timeIntervalSince(since) < Belief.calm else {
            alarms = nil
            return false
        }
        self.incident?.calmSince = since
        return true
    }
}
