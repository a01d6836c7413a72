import Foundation
import Testing

/// Random stories, as those see them who are told: PagerDuty, which knows an incident by its id, Alertmanager, which knows
/// an alert by its labels, a program that reads webhooks, and a person who reads mails.
///
/// Tokens die, are walled off, limited and repaired; people silence, acknowledge, replace, reload and remove; the daemon is
/// killed between what it stores and what it delivers; receivers are down.
@Suite(.timeLimit(.minutes(60))) struct ReceiverLedgerTests {
    /// How many stories are played, and from which on; `LEDGER_SEEDS` and `LEDGER_FIRST` of the environment say others.
    private static let count = number("LEDGER_SEEDS") ?? 200
    private static let first = number("LEDGER_FIRST") ?? 0

    private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

    @Test func `whatever happens, what was opened is closed exactly when its token is well or gone, and once`()
        async throws
    {
        var failed = 0
        for seed in ReceiverLedgerTests.first..<(ReceiverLedgerTests.first + ReceiverLedgerTests.count) {
            let story = try LedgerStory(seed: UInt64(seed))
            try await story.play(steps: 40)
            try await story.end()
            let faults = story.faults
            if !faults.isEmpty { failed += 1 }
            #expect(faults.isEmpty, "seed \(seed): \(faults.prefix(3).joined(separator: "; "))")
        }
        #expect(failed == 0, "of \(ReceiverLedgerTests.count) stories")
    }
}
