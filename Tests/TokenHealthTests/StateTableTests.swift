import Foundation
import TokenHealth
import Testing

/// One cell of table 5.2.
struct Cell: Sendable, CustomTestStringConvertible {
    let now: StateName
    let verdict: VerdictName
    let next: StateName
    let told: [AlertKind]

    var testDescription: String { "\(now) and \(verdict) → \(next)" }
}

/// Table 5.2, every cell at the end of the shortest way to its state.
struct StateTableTests {
    private static func row(_ now: StateName, _ cells: (VerdictName, StateName, [AlertKind])...) -> [Cell] {
        cells.map { Cell(now: now, verdict: $0.0, next: $0.1, told: $0.2) }
    }

    private static let cells: [Cell] =
        row(
            .pending,
            (.accepted, .valid, []),
            (.limited, .limited, []),
            (.rejected, .suspect, []),
            (.indeterminate, .unknown, []),
            (.misconfigured, .misconfigured, [])
        )
        + row(
            .valid,
            (.accepted, .valid, []),
            (.limited, .limited, []),
            (.rejected, .suspect, []),
            (.indeterminate, .unknown, []),
            (.misconfigured, .misconfigured, [])
        )
        + row(
            .limited,
            (.accepted, .valid, []),
            (.limited, .limited, []),
            (.rejected, .suspect, []),
            (.indeterminate, .unknown, []),
            (.misconfigured, .misconfigured, [])
        )
        + row(
            .suspect,
            (.accepted, .valid, []),
            (.limited, .limited, []),
            (.rejected, .suspect, []),
            (.indeterminate, .suspect, []),
            (.misconfigured, .misconfigured, [])
        )
        + row(
            .invalid,
            (.accepted, .valid, [.recovered]),
            (.limited, .limited, []),
            (.rejected, .invalid, []),
            (.indeterminate, .invalid, []),
            (.misconfigured, .invalid, [])
        )
        + row(
            .unknown,
            (.accepted, .valid, []),
            (.limited, .limited, []),
            (.rejected, .suspect, []),
            (.indeterminate, .unknown, []),
            (.misconfigured, .misconfigured, [])
        )
        + row(
            .blind,
            (.accepted, .valid, [.sighted]),
            (.limited, .limited, []),
            (.rejected, .suspect, []),
            (.indeterminate, .blind, []),
            (.misconfigured, .misconfigured, [])
        )
        + row(
            .misconfigured,
            (.accepted, .valid, []),
            (.limited, .limited, []),
            (.rejected, .suspect, []),
            (.indeterminate, .unknown, []),
            (.misconfigured, .misconfigured, [])
        )

    @Test func `the page of the design says the same`() throws {
        let verdicts: [VerdictName] = [.accepted, .limited, .rejected, .indeterminate, .misconfigured]
        let rows = StateName.allCases.map { now in
            let next = verdicts.map { verdict in
                StateTableTests.cells.first { $0.now == now && $0.verdict == verdict }?.next.rawValue ?? "-"
            }
            return "| \(([now.rawValue] + next).joined(separator: " | ")) |"
        }
        let page = URL(filePath: #filePath).appending(path: "../../../docs/design.md").standardized
        let text = String(decoding: try Data(contentsOf: page), as: UTF8.self)
        for row in rows { #expect(text.contains("\n\(row)\n")) }
    }

    @Test func `the table has every cell once`() {
        #expect(Set(StateTableTests.cells.map(\.testDescription)).count == 40)
        #expect(Set(StateTableTests.cells.map(\.now)) == Set(StateName.allCases))
    }

    @Test(arguments: cells)
    func `every cell of the table leads where it says`(cell: Cell) {
        var (history, last) = History.leading(to: cell.now)
        #expect(history.belief.state.name == cell.now)
        let before = history.belief
        let decision = history.observe(.sample(cell.verdict), at: last + 1)
        #expect(decision.belief.state.name == cell.next)
        #expect(decision.notices.kinds == cell.told)
        #expect((decision.transition == nil) == (decision.belief.state.name == before.state.name))
        if let transition = decision.transition {
            #expect(transition.from == cell.now)
            #expect(transition.to == cell.next)
            #expect(transition.at == Sample.moment(last + 1).wall)
            #expect(transition.reason == decision.belief.state.reason)
            #expect(transition.fingerprint == Sample.fingerprint())
            #expect(!transition.explanation.isEmpty)
            #expect(decision.belief.since == transition.at)
        } else {
            #expect(decision.belief.since == before.since)
        }
        #expect(decision.belief.lastProbe?.verdict == cell.verdict)
        #expect(decision.belief.lastProbe?.at == Sample.moment(last + 1).wall)
    }

    @Test func `a suspicion is invalid once confirmed, and an unknown blind in time`() {
        var (suspect, _) = History.leading(to: .suspect)
        suspect.observe(.rejected(.credential), at: 15)
        #expect(suspect.observe(.rejected(.credential), at: 30).belief.state.name == .invalid)
        var (unknown, _) = History.leading(to: .unknown)
        #expect(unknown.observe(.indeterminate(.dns), at: 900).belief.state.name == .blind)
    }

    @Test(arguments: StateName.allCases)
    func `a replaced secret starts over in every state, with its history`(name: StateName) {
        for (verdict, expected) in [
            (VerdictName.accepted, StateName.valid), (.limited, .limited), (.rejected, .suspect),
            (.indeterminate, .unknown), (.misconfigured, .misconfigured),
        ] {
            var (history, last) = History.leading(to: name)
            let incident = history.belief.incident
            let lastAcceptedAt = history.belief.lastAcceptedAt
            history.fingerprint = Sample.fingerprint(2)
            let decision = history.observe(.sample(verdict), at: last + 1)
            #expect(decision.belief.state.name == expected)
            #expect(decision.belief.fingerprint == Sample.fingerprint(2))
            #expect(decision.belief.fingerprintSeenAt == Sample.moment(last + 1).wall)
            if verdict != .accepted {
                #expect(decision.belief.incident == incident)
                #expect(decision.belief.lastAcceptedAt == lastAcceptedAt)
            }
        }
    }

    @Test func `a look that could not read the secret does not make it a new one`() {
        var (history, last) = History.leading(to: .valid)
        history.fingerprint = nil
        history.observe(.misconfigured(.secret(.missing(source: "file /x"))), at: last + 60)
        #expect(history.belief.fingerprint == Sample.fingerprint())
        history.fingerprint = Sample.fingerprint()
        #expect(history.observe(.sample(.accepted), at: last + 120).notices == [])
    }
}

extension Verdict {
    /// One of each, the rejection of the credential itself.
    static func sample(_ name: VerdictName) -> Verdict {
        switch name {
        case .accepted: .acceptedOwner
        case .limited: .limited(.scope)
        case .rejected: .rejected(.credential)
        case .indeterminate: .indeterminate(.timeout)
        case .misconfigured: .misconfigured(.endpoint)
        }
    }
}

extension History {
    /// The shortest way from a token never looked at to each state, and when it ended.
    static func leading(to state: StateName, _ token: WatchedToken = Sample.token()) -> (History, last: Double) {
        var history = History(token)
        switch state {
        case .pending:
            return (history, 0)
        case .valid:
            history.observe(.acceptedOwner, at: 0)
        case .limited:
            history.observe(.limited(.scope), at: 0)
        case .suspect:
            history.observe(.rejected(.credential), at: 0)
        case .invalid:
            history.die()
            return (history, 30)
        case .unknown:
            history.observe(.indeterminate(.timeout), at: 0)
        case .blind:
            history.observe(.indeterminate(.timeout), at: 0)
            history.observe(.indeterminate(.timeout), at: 900)
            return (history, 900)
        case .misconfigured:
            history.observe(.misconfigured(.endpoint), at: 0)
        }
        return (history, 0)
    }
}
