import FoundationEssentials
import Testing
import TokenHealth

/// What an acknowledgement stops, and what is left to tell after a silence.
@Suite struct InterventionTests {
    private static let incident = Incident(subject: "bot", openedAt: Sample.start, kind: .invalidated)

    private func held(_ kind: AlertKind, at seconds: Double, incident: Incident?, untold: Int = 0) -> HeldNotice {
        var notice = Notice(kind, incident: incident)
        notice.untold = untold
        return HeldNotice(token: Sample.name(), notice: notice, at: Sample.start.addingTimeInterval(seconds))
    }

    @Test func `it is written as one line with name and time`() {
        let taken = Acknowledgement(at: Sample.start, by: "oncall", reason: "rotating it now")
        #expect(taken.text == "oncall: rotating it now (\(Sample.start.rfc3339))")
    }

    @Test func `a beginning is told and the reminders that followed are not`() {
        let incident = Self.incident
        let notices = [held(.invalidated, at: 0, incident: incident), held(.reminder, at: 3600, incident: incident)]
        #expect(notices.summarised(open: incident).map(\.notice.kind) == [.invalidated])
    }

    @Test func `what was known before and lasts is told as one reminder`() {
        let incident = Self.incident
        let notices = [held(.reminder, at: 3600, incident: incident), held(.reminder, at: 7200, incident: incident)]
        let left = notices.summarised(open: incident)
        #expect(left.map(\.notice.kind) == [.reminder])
        #expect(left.first?.at == Sample.start.addingTimeInterval(7200))
    }

    @Test func `several incidents that nobody was told of are one end`() {
        let incidents = [0.0, 100, 200].map {
            Incident(subject: "bot", openedAt: Sample.start.addingTimeInterval($0), kind: .invalidated)
        }
        let notices = incidents.enumerated().map { index, incident in
            held(.recovered, at: Double(index) * 100 + 50, incident: incident, untold: 1)
        }
        let left = notices.summarised(open: nil)
        #expect(left.map(\.notice.kind) == [.recovered])
        #expect(left.first?.notice.untold == 3)
        #expect(left.first?.notice.incident?.id == incidents[2].id)
    }

    @Test func `the end of what people were told is told, too`() {
        let (old, new) = (Self.incident, Incident(subject: "bot", openedAt: Sample.start + 500, kind: .invalidated))
        let notices = [held(.recovered, at: 400, incident: old), held(.invalidated, at: 500, incident: new)]
        #expect(notices.summarised(open: new).map(\.notice.kind) == [.recovered, .invalidated])
    }

    @Test func `an end that nobody waits for gives way to what is open now`() {
        let (old, new) = (Self.incident, Incident(subject: "bot", openedAt: Sample.start + 500, kind: .invalidated))
        let notices = [held(.recovered, at: 400, incident: old, untold: 1), held(.invalidated, at: 500, incident: new)]
        #expect(notices.summarised(open: new).map(\.notice.kind) == [.invalidated])
    }

    @Test func `of the warnings of expiry the last one is left`() {
        let notices = [held(.expiring, at: 0, incident: nil), held(.expiring, at: 86_400, incident: nil)]
        #expect(notices.summarised(open: nil).map(\.at) == [Sample.start + 86_400])
    }

    @Test func `of all reminders in a silence one is kept`() {
        var hushed = HushedNews()
        let first = held(.reminder, at: 0, incident: Self.incident)
        let second = held(.reminder, at: 60, incident: Self.incident)
        #expect(hushed.take(first, deadline: .seconds(100)) == [])
        #expect(hushed.take(second, deadline: .seconds(100)) == [first])
        #expect(hushed.due(at: .seconds(99)) == [])
        #expect(hushed.due(at: .seconds(100)) == [Sample.name()])
        #expect(hushed.forget(Sample.name()) == [second])
        #expect(hushed.nextDeadline == nil)
    }
}
