import FoundationEssentials
import Testing
import TokenHealth

struct ConfigurationAlertTests {
    private let start = Date(timeIntervalSince1970: 1_795_428_000)

    @Test func `a configuration that is not used is told once, another mistake again, and the end once`() {
        var vigil = ConfigurationVigil()
        #expect(vigil.note(nil, at: start) == nil)
        let first = vigil.note("a.yaml:1: wrong", at: start)
        #expect(first?.kind == .notifierFailing)
        #expect(vigil.note("a.yaml:1: wrong", at: start.addingTimeInterval(60)) == nil)
        let second = vigil.note("a.yaml:2: wrong", at: start.addingTimeInterval(120))
        #expect(second?.kind == .notifierFailing)
        #expect(second?.incident.id == first?.incident.id)
        let end = vigil.note(nil, at: start.addingTimeInterval(180))
        #expect(end?.kind == .notifierRecovered)
        #expect(end?.incident.id == first?.incident.id)
        #expect(vigil.note(nil, at: start.addingTimeInterval(240)) == nil)
        #expect(vigil.incident == nil)
    }

    @Test func `the alert says what is wrong and what to do, and is no notifier's`() throws {
        var vigil = ConfigurationVigil()
        let problem = "a.yaml:3:5: unknown key 'ovner'\na.yaml:9:1: tokens is missing"
        let news = vigil.note(problem, at: start)
        let (kind, incident) = try #require(news)
        let composer = AlertComposer(host: "srv1")
        let alert = composer.configurationAlert(kind, incident: incident, problem: problem, at: start)
        #expect(alert.summary == "NEW CONFIGURATION NOT USED (a.yaml:3:5: unknown key 'ovner') on srv1")
        #expect(alert.remedy.steps.prefix(2) == ["a.yaml:3:5: unknown key 'ovner'", "a.yaml:9:1: tokens is missing"])
        #expect(alert.remedy.steps.contains("sudo tokenvigil config check"))
        #expect(alert.isAboutConfiguration)
        #expect(!alert.isAboutState)
        let later = start.addingTimeInterval(120)
        let end = composer.configurationAlert(.notifierRecovered, incident: incident, problem: "", at: later)
        #expect(end.summary == "NEW CONFIGURATION IN USE after 2 min on srv1")
        #expect(end.incidentID == alert.incidentID)
        #expect(end.id != alert.id)
        #expect(end.remedy == AlertRemedy())
    }
}
