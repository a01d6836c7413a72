import FoundationEssentials
import Testing

@testable import TokenHealth

/// What is known of a host after a restart.
@Suite struct HostRecordTests {
    private static let epoch = Date(timeIntervalSince1970: 1_795_428_000)

    private func moment(_ second: Double, wall shift: Double = 0) -> Moment {
        Moment(
            wall: HostRecordTests.epoch.addingTimeInterval(second + shift),
            uptime: .milliseconds(Int64(second * 1000))
        )
    }

    /// The same after a restart: uptime begins anew.
    private func restarted(_ second: Double, since start: Double) -> Moment {
        Moment(
            wall: HostRecordTests.epoch.addingTimeInterval(second),
            uptime: .milliseconds(Int64((second - start) * 1000))
        )
    }

    private func stored(_ record: HostRecord) throws -> HostRecord {
        try Wire.decoder().decode(HostRecord.self, from: Data(Wire.stored(record).utf8))
    }

    @Test(arguments: 1...40) func `whenever the daemon is killed, the host is asked no more than it bears`(
        budget: Int
    ) throws {
        let limits = ProviderLimits(
            rate: Rate(count: budget * 3, per: .seconds(50)),
            failedLogins: Rate(count: budget, per: .seconds(100))
        )
        var chance = SeededGenerator(seed: UInt64(budget))
        var (ledger, start) = (HostLedger(limits: limits), 0.0)
        var disk = HostRecord()
        var underWay: [HostLedger.Standing] = []
        var refusals: [Double] = []
        var requests: [Double] = []
        for step in 0..<8000 {
            let second = Double(step) / 4
            let now = restarted(second, since: start)
            let suspects = Suspects(fresh: Int.random(in: 0...2, using: &chance))
            let standing = try #require(HostLedger.Standing.allCases.randomElement(using: &chance))
            if ledger.wait(for: standing, suspects: suspects, at: now.uptime) == nil {
                ledger.begin(at: now.uptime)
                if ledger.mustBeRecorded { disk = try stored(ledger.record(at: now)) }
                underWay.append(standing)
                requests += [second, second]
            }
            if Int.random(in: 0..<80, using: &chance) == 0 {
                // What was under way was refused, every one of it, and nobody has noted it.
                refusals += underWay.map { _ in second }
                underWay = []
                start = second
                ledger = HostLedger(limits: limits, record: disk, at: restarted(second, since: start))
            } else if !underWay.isEmpty, Bool.random(using: &chance) {
                let ended = underWay.remove(at: Int.random(in: 0..<underWay.count, using: &chance))
                let isRefused = Bool.random(using: &chance)
                ledger.end(
                    ended,
                    suspects: suspects,
                    requests: 2,
                    failedLogins: isRefused ? 1 : 0,
                    at: restarted(second, since: start).uptime
                )
                if isRefused { refusals.append(second) }
            }
        }
        for (index, first) in refusals.enumerated() {
            #expect(refusals[index...].prefix { $0 < first + 100 }.count <= budget)
        }
        for (index, first) in requests.enumerated() {
            #expect(requests[index...].prefix { $0 < first + 50 }.count <= budget * 3)
        }
        #expect(requests.count > budget)
    }

    private static let tenLogins = ProviderLimits(failedLogins: Rate(count: 10, per: .seconds(600)))

    /// A ledger whose common part, eight, is spent.
    private func spent(at now: Moment) -> HostLedger {
        var ledger = HostLedger(limits: HostRecordTests.tenLogins)
        for _ in 0..<8 {
            ledger.begin(at: now.uptime)
            ledger.end(.doubted, suspects: Suspects(), requests: 1, failedLogins: 1, at: now.uptime)
        }
        return ledger
    }

    @Test func `where all is accepted nothing has to be written but once`() {
        var ledger = HostLedger(limits: HostRecordTests.tenLogins)
        var writes = 0
        for second in 0..<1000 {
            ledger.begin(at: .seconds(second))
            if ledger.mustBeRecorded {
                writes += 1
                _ = ledger.record(at: moment(Double(second)))
            }
            ledger.end(.good, suspects: Suspects(), requests: 1, failedLogins: 0, at: .seconds(second))
        }
        #expect(writes == 1)
    }

    @Test func `a failed login must be written before the next look`() {
        var ledger = HostLedger(limits: HostRecordTests.tenLogins)
        ledger.begin(at: .zero)
        _ = ledger.record(at: moment(0))
        #expect(!ledger.mustBeRecorded)
        ledger.end(.good, suspects: Suspects(), requests: 1, failedLogins: 1, at: .zero)
        #expect(ledger.mustBeRecorded)
        _ = ledger.record(at: moment(0))
        ledger.begin(at: .zero)
        #expect(!ledger.mustBeRecorded)
        ledger.takeBack()
        #expect(ledger.mustBeRecorded)
    }

    @Test func `what was spent counts until its time is over, by the wall`() throws {
        var ledger = spent(at: moment(1000))
        let record = try stored(ledger.lastRecord(at: moment(1100)))
        let next = HostLedger(limits: HostRecordTests.tenLogins, record: record, at: restarted(1200, since: 1200))
        #expect(next.wait(for: .doubted, suspects: Suspects(), at: .zero) != nil)
        #expect(next.wait(for: .doubted, suspects: Suspects(), at: .seconds(390)) != nil)
        #expect(next.wait(for: .doubted, suspects: Suspects(), at: .seconds(460)) == nil)
    }

    @Test func `what a clock that was set back calls the future happened just now`() throws {
        var ledger = spent(at: moment(1000))
        let record = try stored(ledger.lastRecord(at: moment(1000)))
        let back = restarted(1000 - 86_400, since: 1000 - 86_400)
        let next = HostLedger(limits: HostRecordTests.tenLogins, record: record, at: back)
        #expect(next.wait(for: .doubted, suspects: Suspects(), at: .seconds(590)) != nil)
        #expect(next.wait(for: .doubted, suspects: Suspects(), at: .seconds(660)) == nil)
    }

    @Test func `new limits forget nothing that was spent`() {
        let ledger = spent(at: moment(10))
        let limits = ProviderLimits(failedLogins: Rate(count: 8, per: .seconds(900)))
        let next = ledger.following(limits, at: moment(20))
        #expect(next.wait(for: .doubted, suspects: Suspects(), at: .seconds(20)) != nil)
    }

    @Test(arguments: [
        "{\"requests\":[],\"spent\":[{\"at\":\"2026-11-23T10:00:00.000Z\",\"count\":9223372036854775807}],\"idle\":[],\"trials\":[],\"renewals\":[],\"allowed_looks\":9223372036854775807,\"allowed_requests\":9223372036854775807}",
        "{\"requests\":[],\"spent\":[{\"at\":\"9999-11-23T10:00:00.000Z\",\"count\":-5}],\"idle\":[],\"trials\":[],\"renewals\":[],\"allowed_looks\":-1,\"allowed_requests\":-1}",
    ])
    func `a record with odd numbers traps nothing`(text: String) throws {
        let record = try Wire.decoder().decode(HostRecord.self, from: Data(text.utf8))
        let limits = ProviderLimits(
            rate: Rate(count: 4, per: .seconds(60)),
            failedLogins: Rate(count: 10, per: .seconds(600))
        )
        let ledger = HostLedger(limits: limits, record: record, at: moment(0))
        #expect(ledger.wait(for: .good, suspects: Suspects(), at: .seconds(100_000)) == nil)
    }

    @Test func `a record stays small however much happens`() throws {
        let limits = ProviderLimits(
            rate: Rate(count: 5000, per: .seconds(3600)),
            failedLogins: Rate(count: 1000, per: .seconds(600))
        )
        var ledger = HostLedger(limits: limits)
        for step in 0..<20_000 {
            ledger.begin(at: .seconds(step))
            ledger.end(
                step.isMultiple(of: 2) ? .refused : .good,
                suspects: Suspects(),
                requests: 1,
                failedLogins: 1,
                at: .milliseconds(step * 200)
            )
        }
        #expect(try Wire.stored(ledger.record(at: moment(4000))).utf8.count < 8000)
    }
}

/// How many requests a host bears.
@Suite struct RequestCeilingTests {
    @Test func `a daemon that is killed ten times in a row may still ask`() {
        let limits = ProviderLimits(rate: Rate(count: 60, per: .seconds(60)))
        var record = HostRecord()
        func moment(_ second: Int) -> Moment {
            Moment(wall: Date(timeIntervalSince1970: Double(second)), uptime: .seconds(second))
        }
        for second in 0..<10 {
            var ledger = HostLedger(limits: limits, record: record, at: moment(second))
            #expect(ledger.wait(for: .good, suspects: Suspects(), at: .seconds(second)) == nil)
            ledger.begin(at: .seconds(second))
            record = ledger.record(at: moment(second))
        }
        let ledger = HostLedger(limits: limits, record: record, at: moment(10))
        #expect(ledger.wait(for: .good, suspects: Suspects(), at: .seconds(10)) == nil)
    }

    @Test func `of three looks at once a ceiling of four bears two`() {
        var ledger = HostLedger(limits: ProviderLimits(rate: Rate(count: 4, per: .seconds(60))))
        for _ in 0..<2 {
            #expect(ledger.wait(for: .good, suspects: Suspects(), at: .zero) == nil)
            ledger.begin(at: .zero)
        }
        // Each may need a control beside its own question.
        #expect(ledger.wait(for: .good, suspects: Suspects(), at: .zero) != nil)
        for _ in 0..<2 { ledger.end(.good, suspects: Suspects(), requests: 1, failedLogins: 0, at: .zero) }
        #expect(ledger.wait(for: .good, suspects: Suspects(), at: .zero) == nil)
    }

    @Test(arguments: [4, 12, 60, 100, 5000])
    func `where it is too little half is there at once, and the rest a turn at a time`(count: Int) {
        var ledger = HostLedger(limits: ProviderLimits(rate: Rate(count: count, per: .seconds(60))))
        ledger.isScarce = true
        func look(at now: Duration) {
            ledger.begin(at: now)
            ledger.end(.good, suspects: Suspects(), requests: 1, failedLogins: 0, at: now)
        }
        for _ in 0..<(count / 2) {
            #expect(ledger.wait(for: .good, suspects: Suspects(), at: .zero) == nil)
            look(at: .zero)
        }
        for standing in [HostLedger.Standing.good, .implicated, .refused] {
            #expect(ledger.wait(for: standing, suspects: Suspects(), at: .milliseconds(1)) != nil)
        }
        for standing in [HostLedger.Standing.renewed, .suspected, .doubted] {
            #expect(ledger.wait(for: standing, suspects: Suspects(), at: .milliseconds(1)) == nil)
        }
        // What has to wait comes one after the other.
        let turns = (0..<3).compactMap { _ in ledger.queue(.good, until: .seconds(1)) }
        #expect(turns == turns.sorted() && Set(turns).count == 3)
    }
}
