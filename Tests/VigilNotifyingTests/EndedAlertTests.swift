import FoundationEssentials
import Testing
import TokenHealth

@testable import VigilNotifying

/// What programs are told that know an incident by its id or its labels: its end is under the same, whatever has changed.
struct EndedAlertTests {
    private func report(owner: String) -> TokenReport {
        let provider = Provider(name: "tallyfy", probe: ProbeTemplate(path: "/me"))
        guard let name = TokenName("bot") else { preconditionFailure("no name") }
        let token = WatchedToken(name: name, provider: provider, secret: .file(path: "/x"), owner: owner)
        let now = Date(timeIntervalSince1970: 1_795_428_000)
        return TokenReport(token: token, belief: Belief(at: now), uptime: Uptime(), nextProbeAt: nil).named(name)
    }

    private func alert(
        _ kind: AlertKind,
        about incidentKind: AlertKind,
        ending: IncidentEnding? = nil,
        otherKinds: [AlertKind]? = nil,
        owner: String = "ann@example.com",
        labels: [String: IncidentLabels] = [:],
        openTokens: Int = 0
    ) -> AlertStory {
        AlertStory(
            Alert(
                id: "bot-1-\(kind.rawValue)",
                kind: kind,
                severity: .warning,
                createdAt: Date(timeIntervalSince1970: 1_795_428_000),
                incidentID: "bot-1",
                incidentKind: incidentKind,
                otherKinds: otherKinds,
                ending: ending,
                labels: labels,
                summary: "bot",
                host: "srv1",
                tokens: [report(owner: owner)],
                openTokens: openTokens
            )
        )
    }

    private func event(_ story: AlertStory) throws -> JSONValue? {
        let key = try SecretLint.secret(in: Array("0123456789abcdef0123456789abcdef".utf8), source: "key")
        return JSONValue(parsing: try PagerDutyFormat(routingKey: key, version: "0.1.0").message(about: story))
    }

    @Test(arguments: [IncidentEnding.removed, .renewed, .outlived])
    func `a warning of an expiry is resolved under its key and its labels`(ending: IncidentEnding) throws {
        let (begun, ended) = (
            alert(.expiring, about: .expiring, openTokens: 1), alert(.expiring, about: .expiring, ending: ending)
        )
        let (trigger, resolve) = (try event(begun), try event(ended))
        #expect(JSONPointer("/event_action").flatMap { trigger?[$0]?.scalarText } == "trigger")
        #expect(JSONPointer("/event_action").flatMap { resolve?[$0]?.scalarText } == "resolve")
        #expect(JSONPointer("/dedup_key").flatMap { resolve?[$0]?.scalarText } == "bot-1")
        #expect(AlertmanagerAlert.all(of: begun).map(\.labels) == AlertmanagerAlert.all(of: ended).map(\.labels))
        #expect(AlertmanagerAlert.all(of: begun).map(\.endsAt) == [nil])
        #expect(AlertmanagerAlert.all(of: ended).allSatisfy { $0.endsAt != nil })
    }

    @Test func `of a failing notifier that was removed nobody says that alerts get through again`() {
        let composer = AlertComposer(host: "srv1")
        let now = Date(timeIntervalSince1970: 1_795_428_000)
        let incident = Incident(subject: "notifier-oncall", openedAt: now, kind: .notifierFailing)
        func story(_ kind: AlertKind, ending: IncidentEnding? = nil) -> AlertStory {
            AlertStory(
                composer.notifierAlert(
                    kind,
                    notifier: "oncall",
                    incident: incident,
                    detail: "HTTP 503",
                    ending: ending,
                    at: now.addingTimeInterval(ending == nil ? 0 : 7200)
                )
            )
        }
        let (begun, ended) = (story(.notifierFailing), story(.notifierRecovered, ending: .removed))
        #expect(ended.alert.summary == "NOTIFIER REMOVED oncall, failing for 2 h on srv1")
        #expect(AlertSentence(ended.alert).text.hasPrefix("A notifier that did not work is no longer configured: "))
        #expect(!ended.isGood)
        #expect(ended.endsIncident)
        #expect(AlertmanagerAlert.all(of: begun).map(\.labels) == AlertmanagerAlert.all(of: ended).map(\.labels))
        #expect(AlertmanagerAlert.all(of: ended).allSatisfy { $0.endsAt != nil })
    }

    @Test func `an end has the labels of the beginning, whose ever the token is by now`() {
        let begun = alert(.invalidated, about: .invalidated)
        let labels = ["bot": IncidentLabels(provider: "tallyfy", owner: "ann@example.com")]
        let ended = alert(.recovered, about: .invalidated, owner: "ben@example.com", labels: labels)
        #expect(AlertmanagerAlert.all(of: begun).map(\.labels) == AlertmanagerAlert.all(of: ended).map(\.labels))
    }

    @Test func `an end ends everything that the incident was told to be in between`() {
        let ended = alert(.recovered, about: .invalidated, otherKinds: [.blind, .limited])
        let former = AlertmanagerAlert.former(of: ended)
        #expect(former.compactMap { $0.labels["alertname"] } == ["TokenBlind", "TokenLimited"])
        #expect(former.allSatisfy { $0.endsAt != nil })
    }
}
