import TokenHealth
import Testing
import VigilEngine

/// With real concurrency, and time that only the test moves.
@Suite(.timeLimit(.minutes(1)))
struct WakeupTests {
    private let timekeeper = ManualTimekeeper()
    private let wakeup = Wakeup()

    @Test func `a signal that comes before the wait is kept`() async {
        wakeup.signal()
        wakeup.signal()
        await wakeup.wait(until: .seconds(100), on: timekeeper)
        #expect(timekeeper.sleepers == 0)
    }

    @Test func `a signal ends a wait`() async {
        await withTaskGroup { group in
            group.addTask { await wakeup.wait(until: .seconds(100), on: timekeeper) }
            await timekeeper.untilAsleep(1)
            wakeup.signal()
        }
        #expect(timekeeper.sleepers == 0)
    }

    @Test func `the time ends a wait`() async {
        await withTaskGroup { group in
            group.addTask { await wakeup.wait(until: .seconds(100), on: timekeeper) }
            await timekeeper.untilAsleep(1)
            timekeeper.advance(by: .seconds(99))
            #expect(timekeeper.sleepers == 1)
            timekeeper.advance(by: .seconds(1))
        }
    }

    @Test func `a time that has passed is no wait`() async {
        timekeeper.advance(by: .seconds(5))
        await wakeup.wait(until: .seconds(5), on: timekeeper)
        await wakeup.wait(until: .seconds(-5), on: timekeeper)
    }

    @Test func `cancellation ends a wait`() async {
        await withTaskGroup { group in
            group.addTask { await wakeup.wait(until: .seconds(100), on: timekeeper) }
            await timekeeper.untilAsleep(1)
            group.cancelAll()
        }
        #expect(timekeeper.sleepers == 0)
    }

    @Test func `what is cancelled already does not wait`() async {
        await withTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask { await wakeup.wait(until: .seconds(100), on: timekeeper) }
        }
    }

    @Test func `the end of one wait does not end the next`() async {
        for end in 0..<3 {
            await withTaskGroup { group in
                group.addTask { await wakeup.wait(until: timekeeper.now().uptime + .seconds(100), on: timekeeper) }
                await timekeeper.untilAsleep(1)
                switch end {
                case 0: wakeup.signal()
                case 1: timekeeper.advance(by: .seconds(100))
                default: group.cancelAll()
                }
            }
            await withTaskGroup { group in
                group.addTask { await wakeup.wait(until: timekeeper.now().uptime + .seconds(100), on: timekeeper) }
                // It reaches its sleep: a signal left over would have ended it before or would end it now.
                await timekeeper.untilAsleep(1)
                wakeup.signal()
            }
        }
    }

    @Test func `no signal is lost between looking and waiting`() async {
        let work = Tally()
        let done = Tally()
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<250 {
                        work.add()
                        wakeup.signal()
                    }
                }
            }
            group.addTask {
                while done.count < 2000 {
                    while done.count < work.count { done.add() }
                    if done.count < 2000 { await wakeup.wait(until: .seconds(100), on: timekeeper) }
                }
            }
        }
        #expect(done.count == 2000)
    }
}
