import FoundationEssentials
import TokenHealth
import Testing

/// What must hold whatever is observed, in whatever order.
struct StatePropertyTests {
    /// Kept beside the machine, by counting only.
    private struct Ledger {
        var rejections = 0
        var firstRejection = Duration.zero
        var fingerprint = 1

        mutating func note(_ verdict: Verdict, at uptime: Duration) {
            switch verdict.name {
            case .accepted: rejections = 0
            case .rejected:
                if rejections == 0 { firstRejection = uptime }
                rejections += 1
            case .limited, .indeterminate, .misconfigured: break
            }
        }
    }

    private static let bad: Set<AlertKind> = [.invalidated, .identityChanged, .limited, .misconfigured, .blind]
    private static let good: Set<AlertKind> = [.recovered, .sighted, .replaced]

    private func randomToken(_ chance: inout SeededGenerator) -> WatchedToken {
        var token = Sample.token(
            Sample.provider(
                lifetime: Bool.random(using: &chance) ? .seconds(Int64.random(in: 10...100_000, using: &chance)) : nil
            ),
            interval: .seconds(Int64.random(in: 1...600, using: &chance)),
            confirmation: Confirmation(
                rejections: Int.random(in: 1...5, using: &chance),
                over: .seconds(Int64.random(in: 0...120, using: &chance))
            )
        )
        token.blindAfter = .seconds(Int64.random(in: 1...1000, using: &chance))
        token.remind = (0..<Int.random(in: 0...3, using: &chance)).map { _ in
            .seconds(Int64.random(in: 1...5000, using: &chance))
        }
        return token
    }

    private func randomVerdict(_ chance: inout SeededGenerator) -> Verdict {
        switch Int.random(in: 0..<12, using: &chance) {
        case 0, 1: .acceptedOwner
        case 2: .limited(Bool.random(using: &chance) ? .scope : .plan)
        case 3: .misconfigured(.endpoint)
        case 4, 5, 6: .indeterminate(Uncertainty.allCases.randomElement(using: &chance) ?? .dns)
        case 7: .rejected(.wrongIdentity(Identity(id: "2", name: nil)))
        default: .rejected(.credential)
        }
    }

    private func randomControl(_ chance: inout SeededGenerator) -> ControlResult? {
        [nil, nil, nil, .refused, .refused, .other, .unreachable, .open].randomElement(using: &chance) ?? nil
    }

    @Test(arguments: 0..<40)
    func `no sequence breaks a promise`(batch: UInt64) throws {
        for sequence in 0..<75 {
            let seed = batch * 1000 + UInt64(sequence)
            var chance = SeededGenerator(seed: seed)
            let token = randomToken(&chance)
            var history = History(token)
            var ledger = Ledger()
            var second = 0.0
            for _ in 0..<Int.random(in: 5...60, using: &chance) {
                second += Double(Int.random(in: 0...40, using: &chance)) * (Bool.random(using: &chance) ? 1 : 20)
                if Int.random(in: 0..<25, using: &chance) == 0 {
                    let kept = history.belief
                    try history.restart()
                    try expectSame(history.belief, kept, seed: seed)
                }
                if Int.random(in: 0..<20, using: &chance) == 0 {
                    ledger.fingerprint += 1
                    ledger.rejections = 0
                    history.fingerprint = Sample.fingerprint(ledger.fingerprint)
                }
                let verdict = randomVerdict(&chance)
                let control = randomControl(&chance)
                ledger.note(verdict, at: Sample.moment(second).uptime)
                let before = history.belief
                let decision = history.observe(verdict, at: second, control: control)
                check(decision, before, verdict, control, ledger, token, at: second, seed: seed)
            }
            try expectSame(history.belief.reread(), history.belief, seed: seed)
        }
    }

    private func check(
        _ decision: Decision,
        _ before: Belief,
        _ verdict: Verdict,
        _ control: ControlResult?,
        _ ledger: Ledger,
        _ token: WatchedToken,
        at second: Double,
        seed: UInt64
    ) {
        let kinds = decision.notices.kinds
        let news = kinds.filter { StatePropertyTests.bad.contains($0) || StatePropertyTests.good.contains($0) }
        #expect(news.count <= 1, "two alerts for one transition, seed \(seed)")
        #expect(Set(kinds).count == kinds.count, "one thing said twice, seed \(seed)")
        if let kind = news.first, StatePropertyTests.bad.contains(kind) {
            let isOfNewSecret = decision.belief.incident?.isOfNewSecret ?? false
            #expect(before.incident?.kind != kind || isOfNewSecret, "an alert said again, seed \(seed)")
            #expect(decision.belief.incident?.kind == kind, "an alert without its incident, seed \(seed)")
        }
        if kinds.contains(.invalidated) || kinds.contains(.identityChanged) {
            let span = Sample.moment(second).uptime - ledger.firstRejection
            #expect(verdict.name == .rejected, "a death without a rejection, seed \(seed)")
            #expect(ledger.rejections >= token.confirmation.rejections, "too few rejections, seed \(seed)")
            #expect(span >= token.confirmation.over, "too short, seed \(seed)")
        }
        if decision.belief.state.name == .invalid, before.state.name != .invalid {
            #expect(verdict.name == .rejected, "a death without a rejection, seed \(seed)")
        }
        let hasEnded = before.incident != nil && decision.belief.incident == nil
        #expect(
            !hasEnded || (verdict.name == .accepted && control != .open),
            "an incident closed by \(verdict), seed \(seed)"
        )
        #expect(hasEnded == (kinds.contains(.recovered) || kinds.contains(.sighted)), "a silent recovery, seed \(seed)")
        if let old = before.incident, let new = decision.belief.incident {
            #expect(old.id == new.id && old.openedAt == new.openedAt, "an incident exchanged, seed \(seed)")
        }
        #expect(
            (decision.belief.state.name == .valid) == (verdict.name == .accepted && control != .open),
            "seed \(seed)"
        )
        #expect(
            decision.pause <= decision.rest && decision.pause <= token.interval && decision.pause > .zero,
            "seed \(seed)"
        )
        #expect(decision.rest <= max(token.interval, .seconds(3600)), "seed \(seed)")
        if decision.transition != nil || !kinds.isEmpty {
            #expect(decision.isWorthStoring(after: before), "seed \(seed)")
        }
    }

    /// Everything but the monotonic times, which mean nothing in another process.
    private func expectSame(_ read: Belief, _ written: Belief, seed: UInt64) throws {
        var (left, right) = (read, written)
        #expect(try Wire.encoder().encode(left.state) == Wire.encoder().encode(right.state), "seed \(seed)")
        left.state = .pending
        right.state = .pending
        #expect(left == right, "seed \(seed)")
    }

    @Test(arguments: 0..<20)
    func `what says nothing never speaks of the token`(batch: UInt64) {
        var chance = SeededGenerator(seed: 1_000_000 + batch)
        for _ in 0..<50 {
            var history = History(randomToken(&chance))
            var second = 0.0
            for _ in 0..<50 {
                second += Double(Int.random(in: 0...600, using: &chance))
                history.observe(.indeterminate(Uncertainty.allCases.randomElement(using: &chance) ?? .dns), at: second)
            }
            #expect(Set(history.told).subtracting([.reminder]) == (history.belief.state.name == .blind ? [.blind] : []))
        }
    }
}
