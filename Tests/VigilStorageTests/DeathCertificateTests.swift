import FoundationEssentials
import TokenHealth
import Testing
import VigilEngine

@testable import VigilStorage

@Suite struct `The record of a death` {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func deaths() throws -> [HistoryReader.Death] {
        try HistoryReader(directory: directory.state)
            .records(of: nil, since: .distantPast, now: Sample.second(10_000)).flatMap(\.deaths)
    }

    private func die(_ store: SQLiteHealthStore) throws -> Belief {
        var death = Sample.death()
        death.change.certificate = DeathCertificate(token: Sample.token, belief: death.decision.belief)
        #expect(death.change.certificate != nil)
        try store.commit(death.change)
        return death.decision.belief
    }

    private func end(_ belief: Belief, with fingerprint: String, in store: SQLiteHealthStore) throws {
        var change = Sample.change(at: 600)
        change.belief.fingerprint = Fingerprint(text: fingerprint)
        change.endedIncident = belief.incident
        try store.commit(change)
    }

    @Test func `holds its certificate, as it was written first`() throws {
        let store = try directory.open()
        let belief = try die(store)
        let first = try #require(deaths().first)
        var later = belief
        later.explanation = "something else"
        var change = Sample.change(at: 120)
        change.belief = later
        change.certificate = DeathCertificate(token: Sample.token, belief: later)
        try store.commit(change)
        let certificate = try #require(deaths().first?.certificate)
        #expect(certificate == first.certificate)
        #expect(certificate.explanation == belief.explanation)
        #expect(certificate.diedAt == Sample.second(60))
        #expect(first.repair == nil)
    }

    @Test(arguments: [
        ("k1:000000000001", HistoryReader.Death.Repair.sameSecret), ("k1:000000000002", .newSecret),
    ])
    func `tells how it was repaired`(fingerprint: String, repair: HistoryReader.Death.Repair) throws {
        let store = try directory.open()
        try end(try die(store), with: fingerprint, in: store)
        #expect(try deaths().map(\.repair) == [repair])
        #expect(try deaths().map(\.closedAt) == [Sample.second(600)])
    }

    @Test func `says how long the secret lived, and null where that is not known`() throws {
        let store = try directory.open()
        _ = try die(store)
        let document = try #require(JSONValue(parsing: Array(Wire.encoder().encode(try deaths()))))
        #expect(document[try #require(JSONPointer("/0/lived_s"))]?.scalarText == "60")
        #expect(document[try #require(JSONPointer("/0/repair"))] == .null)
        #expect(document[try #require(JSONPointer("/0/certificate/reason"))]?.scalarText == "rejected")
    }

    @Test func `of an older version is still read, without a certificate`() throws {
        let store = try directory.open()
        try store.commit(Sample.death().change)
        let death = try #require(deaths().first)
        #expect(death.certificate == nil)
        #expect(death.repair == nil)
        #expect(death.explanation != "")
    }

    @Test func `that cannot be read hides nothing else of the incident`() throws {
        do {
            let store = try directory.open()
            _ = try die(store)
        }
        try directory.meddle("UPDATE incident SET certificate = '{}'")
        #expect(try deaths().map(\.certificate) == [nil])
        #expect(try deaths().map(\.kind) == [.invalidated])
    }

    @Test func `gains its columns in a database of an older version`() throws {
        do { _ = try directory.open() }
        try directory.meddle(
            """
            ALTER TABLE incident DROP COLUMN certificate; ALTER TABLE incident DROP COLUMN closed_fingerprint;
            DROP TABLE silence; DROP TABLE intervention;
            DELETE FROM grdb_migrations WHERE identifier IN ('4', '5');
            """
        )
        let store = try directory.open()
        #expect(store.setAside == nil)
        _ = try die(store)
        #expect(try deaths().first?.certificate != nil)
    }
}
