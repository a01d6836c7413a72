import TallyfySimulator
import Testing
import TokenHealth

/// An alert is never lost, and never told twice to a receiver that took it.
@Suite struct DeliveryTests {
    @Test func `a receiver that is down gets each alert once when it is up`() async throws {
        try await withRig { rig in
            rig.sink.answer(with: 503)
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(600))
            let refused = rig.sink.received.count
            #expect(refused > 3)
            let waiting = try #require(try rig.status().notifiers["oncall"])
            #expect(waiting.state == .failing)
            #expect(waiting.pending == 1)
            #expect(waiting.lastError?.contains("503") == true)

            try rig.repair()
            try await rig.advance(by: .seconds(60))
            rig.sink.answer(with: 204)
            let before = rig.sink.received.count
            try await rig.advance(by: .seconds(2000))
            let taken = rig.bodies.dropFirst(before)
            #expect(taken.map { $0.text("/type") } == ["token.recovered"])
            #expect(taken.last?.text("/data/summary").contains(", was INVALID bot-0 (revoked) from") == true)
            let settled = try #require(try rig.status().notifiers["oncall"])
            #expect(settled.state == .ok)
            #expect(settled.pending == 0)
        }
    }

    @Test func `a receiver down for an hour, and two crashes: the alert arrives once, within one pause`() async throws {
        try await withRig(Plan(defaults: ["remind: []"])) { rig in
            rig.sink.answer(with: 503)
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(1200))
            try await rig.restart()
            try await rig.advance(by: .seconds(1200))
            try await rig.restart()
            try await rig.advance(by: .seconds(1200))
            let refused = rig.sink.received.count
            // At once, after 5 s, 30 s, 2 min, 5 min, 15 min, and half an hour: a restart begins no new series.
            #expect(refused == 7)
            #expect(try rig.status().notifiers["oncall"]?.pending == 1)
            rig.sink.answer(with: 204)
            try await rig.advance(by: .seconds(1800))
            #expect(rig.sink.received.count == refused + 1)
            #expect(Set(rig.sink.received.compactMap { $0.header("webhook-id") }).count == 1)
            #expect(try rig.status().notifiers["oncall"]?.pending == 0)
            try await rig.restart()
            try await rig.advance(by: .seconds(7200))
            #expect(rig.sink.received.count == refused + 1)
        }
    }

    @Test func `a receiver down for an hour, and a death that is over by then: one message tells of both`() async throws
    {
        try await withRig(Plan(defaults: ["remind: []"])) { rig in
            rig.sink.answer(with: 503)
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(1200))
            try await rig.restart()
            try rig.repair()
            try await rig.advance(by: .seconds(1200))
            try await rig.restart()
            try await rig.advance(by: .seconds(1200))
            rig.sink.answer(with: 204)
            let refused = rig.sink.received.count
            try await rig.advance(by: .seconds(1800))
            try await rig.restart()
            try await rig.advance(by: .seconds(7200))
            #expect(rig.alerts.dropFirst(refused) == ["token.recovered"])
            #expect(rig.body(refused).text("/data/summary").contains(", was INVALID bot-0 (revoked) from"))
        }
    }

    @Test func `a receiver whose port is closed gets the alert when it listens again`() async throws {
        try await withRig { rig in
            let port = rig.sink.port
            await rig.sink.stop()
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(600))
            #expect(try rig.status().notifiers["oncall"]?.pending == 1)
            let again = try await WebhookSink.start(port: port)
            try await rig.advance(by: .seconds(2000))
            #expect(again.received.count == 1)
            #expect(try rig.status().notifiers["oncall"]?.pending == 0)
            await again.stop()
        }
    }

    @Test func `an alert says which token, whose, since when and what to do`() async throws {
        try await withRig(Plan(token: ["used_by: [{name: New-hire flow}]"])) { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(90))
            let alert = try #require(rig.bodies.first)
            #expect(alert.text("/data/severity") == "critical")
            #expect(alert.text("/data/summary") == "INVALID bot-0 (revoked) on srv1")
            #expect(alert.text("/data/tokens/0/name") == "bot-0")
            #expect(alert.text("/data/tokens/0/owner") == "bot-0@example.test")
            #expect(alert.text("/data/tokens/0/identity/name") == "bot-0@example.test")
            #expect(alert.text("/data/tokens/0/used_by/0/name") == "New-hire flow")
            #expect(alert.text("/data/tokens/0/last_accepted_at") == "2027-01-15T08:00:00.000Z")
            #expect(alert.text("/data/tokens/0/first_rejected_at") == "2027-01-15T08:01:00.000Z")
            #expect(alert.text("/data/remedy/command") == "sudo tokenvigil replace bot-0")
            let text = String(decoding: rig.sink.received.flatMap(\.body), as: UTF8.self)
            #expect(!text.contains(rig.secrets[0]))
        }
    }

    @Test func `reminders thin out, and a restart repeats none`() async throws {
        try await withRig { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(2 * 3600))
            #expect(rig.alerts == ["token.invalidated", "token.reminder"])
            try await rig.restart()
            try await rig.advance(by: .seconds(2 * 3600))
            #expect(rig.alerts == ["token.invalidated", "token.reminder"])
            try await rig.advance(by: .seconds(2 * 3600))
            #expect(rig.alerts == ["token.invalidated", "token.reminder", "token.reminder"])
        }
    }

    @Test func `half a year passes and every step to the expiry is said once`() async throws {
        try await withRig(Plan(defaults: ["interval: 12h", "remind: []"])) { rig in
            try await rig.advance(by: .seconds(140 * 86_400))
            try await rig.restart()
            #expect(rig.alerts == [])
            try await rig.advance(by: .seconds(33 * 86_400))
            try await rig.restart()
            try await rig.advance(by: .seconds(20 * 86_400))
            #expect(rig.alerts == Array(repeating: "token.expiring", count: 5) + ["token.invalidated"])
            #expect(try rig.belief() == "invalid expired")
        }
    }
}

/// A daemon that dies and comes back forgets nothing and repeats nothing.
@Suite struct RestartTests {
    @Test func `a restart in the middle of a suspicion tells the death once`() async throws {
        try await withRig { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "suspect revoked")
            try await rig.restart()
            #expect(try rig.belief() == "suspect revoked")
            #expect(rig.alerts == [])
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "invalid revoked")
            try await rig.advance(by: .seconds(600))
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `restarts in quick succession confirm nothing by themselves`() async throws {
        try await withRig { rig in
            rig.tallyfy.inject(Fault(.status(401), token: rig.secrets[0], forSeconds: 90))
            try await rig.advance(by: .seconds(60))
            for _ in 1...10 { try await rig.restart() }
            #expect(try rig.belief() == "suspect revoked")
            try await rig.advance(by: .seconds(120))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
        }
    }

    @Test func `a restart in the middle of an incident repeats no alert and forgets none`() async throws {
        try await withRig { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(90))
            let incident = try rig.report().incident?.id
            for _ in 1...3 {
                try await rig.restart()
                try await rig.advance(by: .seconds(300))
            }
            #expect(try rig.belief() == "invalid revoked")
            #expect(try rig.report().incident?.id == incident)
            #expect(rig.alerts == ["token.invalidated"])
            try rig.repair()
            try await rig.restart()
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == ["token.invalidated", "token.recovered"])
        }
    }

    @Test func `an alert that was not delivered before a restart is delivered after it, under the same id`()
        async throws
    {
        try await withRig { rig in
            rig.sink.answer(with: 500)
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(91))
            #expect(rig.sink.received.count == 1)
            try await rig.restart()
            rig.sink.answer(with: 200)
            try await rig.advance(by: .seconds(3000))
            #expect(rig.alerts == ["token.invalidated", "token.invalidated"])
            #expect(Set(rig.sink.received.compactMap { $0.header("webhook-id") }).count == 1)
        }
    }

    @Test func `a restart while blind neither repeats that nor forgets to tell the end`() async throws {
        try await withRig { rig in
            rig.tallyfy.inject(Fault(.maintenance(), forSeconds: 1800))
            try await rig.advance(by: .seconds(1100))
            try await rig.restart()
            try await rig.advance(by: .seconds(300))
            #expect(try rig.belief() == "blind server_error")
            #expect(rig.alerts == ["token.blind"])
            try await rig.advance(by: .seconds(900))
            #expect(rig.alerts == ["token.blind", "token.sighted"])
        }
    }
}
