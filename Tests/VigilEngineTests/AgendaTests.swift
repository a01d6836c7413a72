import Testing

@testable import VigilEngine

struct AgendaTests {
    @Test func `nothing is due of nothing`() {
        var agenda = Agenda<String, String>()
        #expect(agenda.nextDue == nil)
        #expect(agenda.takeDue(at: .seconds(1_000_000), limit: 10) == [])
    }

    @Test func `the earliest comes first, and at one time in the order it was put down`() {
        var agenda = Agenda<String, String>()
        for (key, second) in [("c", 3), ("a", 1), ("b", 2), ("d", 1)] { agenda.schedule(key, at: .seconds(second)) }
        #expect(agenda.nextDue == .seconds(1))
        #expect(agenda.takeDue(at: .seconds(3), limit: 10) == ["a", "d", "b", "c"])
        #expect(agenda.nextDue == nil)
    }

    @Test func `what is due exactly now is due, and a moment later is not`() {
        var agenda = Agenda<String, String>()
        agenda.schedule("now", at: .seconds(5))
        agenda.schedule("later", at: .seconds(5) + .nanoseconds(1))
        #expect(agenda.takeDue(at: .seconds(5), limit: 10) == ["now"])
        #expect(agenda.nextDue == .seconds(5) + .nanoseconds(1))
    }

    @Test func `a new time takes the place of the old one, sooner or later`() {
        var agenda = Agenda<String, String>()
        agenda.schedule("a", at: .seconds(1))
        agenda.schedule("a", at: .seconds(9))
        #expect(agenda.nextDue == .seconds(9))
        #expect(agenda.takeDue(at: .seconds(5), limit: 10) == [])
        agenda.schedule("a", at: .seconds(3))
        #expect(agenda.takeDue(at: .seconds(20), limit: 10) == ["a"])
        #expect(agenda.takeDue(at: .seconds(20), limit: 10) == [])
    }

    @Test func `what is removed is not due, and may come back`() {
        var agenda = Agenda<String, String>()
        agenda.schedule("a", at: .seconds(1))
        agenda.remove("a")
        agenda.remove("never there")
        #expect(agenda.nextDue == nil)
        agenda.schedule("a", at: .seconds(2))
        #expect(agenda.takeDue(at: .seconds(2), limit: 1) == ["a"])
    }

    @Test func `no more are taken than asked for`() {
        var agenda = Agenda<Int, String>()
        for key in 0..<5 { agenda.schedule(key, at: .seconds(key)) }
        #expect(agenda.takeDue(at: .seconds(10), limit: 0) == [])
        #expect(agenda.takeDue(at: .seconds(10), limit: 2) == [0, 1])
        #expect(agenda.takeDue(at: .seconds(10), limit: 10) == [2, 3, 4])
    }

    @Test func `where not all can be taken, whoever can wait longest waits`() {
        var agenda = Agenda<String, String>()
        for key in ["hourly", "another"] { agenda.schedule(key, at: .seconds(1), patience: .seconds(900)) }
        agenda.schedule("minutely", at: .seconds(5), patience: .seconds(15))
        agenda.schedule("doubted", at: .seconds(9))
        #expect(agenda.takeDue(at: .seconds(4), limit: 1) == ["hourly"])
        #expect(agenda.takeDue(at: .seconds(10), limit: 1) == ["doubted"])
        #expect(agenda.nextDue == .seconds(5))
        #expect(agenda.takeDue(at: .seconds(10), limit: 5) == ["minutely", "another"])
        #expect(agenda.nextDue == nil)
    }

    @Test func `what has been waiting for long comes before what has just fallen due`() {
        var agenda = Agenda<String, String>()
        agenda.schedule("hourly", at: .seconds(1), patience: .seconds(900))
        agenda.schedule("minutely", at: .seconds(890), patience: .seconds(15))
        #expect(agenda.takeDue(at: .seconds(895), limit: 1) == ["hourly"])
    }

    @Test func `one that waits to be taken can be put off, or removed`() {
        var agenda = Agenda<String, String>()
        for key in ["a", "b", "c"] { agenda.schedule(key, at: .seconds(1)) }
        #expect(agenda.takeDue(at: .seconds(2), limit: 1) == ["a"])
        agenda.schedule("b", at: .seconds(7))
        agenda.remove("c")
        #expect(agenda.nextDue == .seconds(7))
        #expect(agenda.takeDue(at: .seconds(6), limit: 5) == [])
        #expect(agenda.takeDue(at: .seconds(7), limit: 5) == ["b"])
    }

    @Test func `what finds no room at its place is set aside until it is recalled, and nobody waits behind it`() {
        var agenda = Agenda<String, String>()
        for (key, patience) in [("full-1", 1), ("full-2", 2), ("free", 3), ("full-3", 4)] {
            agenda.schedule(key, at: .seconds(1), patience: .seconds(patience))
        }
        let full: (String) -> String? = { $0.hasPrefix("full") ? "full" : nil }
        #expect(agenda.takeDue(at: .seconds(2), limit: 1, fullPlace: full) == ["free"])
        #expect(agenda.takeDue(at: .seconds(2), limit: 10, fullPlace: full) == [])
        #expect(Array(agenda.crowded) == ["full"])
        #expect(agenda.nextDue == nil)
        agenda.recall(1, at: "full")
        #expect(agenda.nextDue == .seconds(1))
        #expect(agenda.takeDue(at: .seconds(2), limit: 10) == ["full-1"])
        agenda.recall(5, at: "full")
        #expect(!agenda.isCrowded("full"))
        #expect(agenda.takeDue(at: .seconds(2), limit: 10) == ["full-2", "full-3"])
    }

    @Test func `whoever was set aside and has got another time, or was removed, is not recalled`() {
        var agenda = Agenda<String, String>()
        for key in ["a", "b", "c"] { agenda.schedule(key, at: .seconds(1)) }
        #expect(agenda.takeDue(at: .seconds(1), limit: 10, fullPlace: { _ in "full" }) == [])
        agenda.schedule("a", at: .seconds(9))
        agenda.remove("b")
        agenda.recallAll()
        #expect(agenda.takeDue(at: .seconds(2), limit: 10) == ["c"])
        #expect(agenda.takeDue(at: .seconds(9), limit: 10) == ["a"])
    }
}
