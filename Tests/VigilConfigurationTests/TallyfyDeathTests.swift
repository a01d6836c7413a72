import Foundation
import Testing
import TokenHealth
import VigilConfiguration

/// Tallyfy names five things that end a token, and does not say in its answer which of them it was: each death must end in
/// a certificate with the cause and the remedy, however it is answered.
struct TallyfyDeathTests {
    /// What ends a token, in the words of the provider's description.
    private static let causes = [
        "its owner logged out of the Tallyfy web app",
        "its owner's web session ended by itself after a time without activity",
        "its owner's browser cleared its cookies",
        "its owner switched to another organization",
        "its owner reset the password",
    ]

    private static let answers: [(status: Int, type: String, body: String)] = [
        (401, "application/json", #"{"message":"Unauthenticated."}"#),
        (401, "application/json", #"{"error":true,"message":"Unauthenticated."}"#),
        (401, "application/json", #"{"error":true,"message":"Permission denied. Error Code: apsh213."}"#),
        (401, "text/plain", ""),
        (403, "text/plain", ""),
        (403, "application/json", "{}"),
        (403, "application/json", #"{"error":true,"message":""}"#),
        (403, "application/json", #"{"error":true,"message":"Access denied. Token is invalid or expired."}"#),
        (403, "application/json", #"{"error":true,"message":"Unauthenticated."}"#),
        (403, "application/json", #"{"message":"Forbidden"}"#),
    ]

    private static let start = Date(timeIntervalSince1970: 1_795_428_000)

    private func moment(_ seconds: Double) -> Moment {
        Moment(wall: TallyfyDeathTests.start.addingTimeInterval(seconds), uptime: .milliseconds(Int64(seconds * 1000)))
    }

    private func exchange(_ status: Int, _ body: String, type: String = "application/json") -> Exchange {
        Exchange(
            .answered(Answer(status: status, headers: [HeaderField("Content-Type", type)], body: Array(body.utf8)))
        )
    }

    /// What a personal access token says of itself as Tallyfy issues it, by default with half a year to live.
    private func claims(expiringAt end: Int = 1_810_778_800) -> TokenClaims? {
        func part(_ text: String) -> String {
            Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
                .replacing("=", with: "")
        }
        let payload = #"{"aud":"1","iat":1779600000,"exp":\#(end),"sub":"12345","scopes":[]}"#
        let text = "\(part(#"{"typ":"JWT","alg":"RS256"}"#)).\(part(payload)).c2lnbmF0dXJl"
        return (try? SecretLint.secret(in: Array(text.utf8), source: "a test")).flatMap { TokenClaims(of: $0) }
    }

    /// The belief after an acceptance and three such answers, with the control that Tallyfy gives.
    private func death(
        by answer: (status: Int, type: String, body: String),
        of token: WatchedToken,
        claims: TokenClaims?
    ) -> (belief: Belief, notices: [Notice]) {
        let control = exchange(401, #"{"message":"Unauthenticated."}"#)
        var belief = Belief(at: TallyfyDeathTests.start)
        var notices: [Notice] = []
        let accepted = exchange(200, #"{"data":{"id":12345,"email":"svc@example.test"}}"#)
        let refused = exchange(answer.status, answer.body, type: answer.type)
        for (second, exchange) in [(0.0, accepted), (60, refused), (75, refused), (90, refused)] {
            let judge = Judge(
                token: token,
                knownIdentity: belief.identity,
                usualRefusal: belief.usualRefusal,
                endpointChecksTokens: belief.endpointChecksTokens
            )
            let finding = judge.finding(on: exchange, control: control)
            var observation = Observation(
                finding,
                control: judge.controlResult(of: control),
                httpStatus: exchange.status,
                fingerprint: Fingerprint(text: "k1:0123456789ab"),
                claims: claims,
                at: moment(second)
            )
            observation.controlShape = AnswerShape(refusal: control)
            let decision = belief.considering(observation, of: token, chance: 0)
            belief = decision.belief
            notices += decision.notices
        }
        return (belief, notices)
    }

    @Test(arguments: answers)
    func `however a death is answered, the certificate names the cause`(
        status: Int,
        type: String,
        body: String
    ) throws {
        let token = try #require(try configuration().tokens.first)
        let (belief, notices) = death(by: (status, type, body), of: token, claims: claims())
        #expect(belief.state == .invalid(.revoked))
        let certificate = try #require(DeathCertificate(token: token, belief: belief))
        #expect(certificate.reason == .revoked)
        #expect(certificate.cause == TallyfyDeathTests.causes[0])
        #expect(certificate.explanation.contains("most likely: \(TallyfyDeathTests.causes[0])"))
        #expect(certificate.explanation.contains("good until"))
        let alert = try #require(self.alert(telling: notices.first, of: token, belief))
        #expect(alert.kind == .invalidated)
        for cause in TallyfyDeathTests.causes { #expect(alert.causes.contains(cause), "\(cause)") }
        #expect(alert.remedy.steps.contains { $0.contains("Settings > Integrations > REST API") })
        #expect(alert.remedy.url == "https://go.tallyfy.com/")
    }

    @Test(arguments: answers)
    func `after the half year it is an expiry, and nobody's log-out`(status: Int, type: String, body: String) throws {
        let token = try #require(try configuration().tokens.first)
        let expired = claims(expiringAt: 1_795_428_030)
        let belief = death(by: (status, type, body), of: token, claims: expired).belief
        #expect(belief.state == .invalid(.expired))
        #expect(DeathCertificate(token: token, belief: belief)?.cause == nil)
    }

    @Test func `an opaque token dies without a cause that nobody can know`() throws {
        let token = try #require(try configuration().tokens.first)
        let belief = death(by: TallyfyDeathTests.answers[0], of: token, claims: nil).belief
        #expect(belief.state == .invalid(.rejected))
        let certificate = try #require(DeathCertificate(token: token, belief: belief))
        #expect(certificate.cause == nil)
        #expect(!certificate.explanation.contains("most likely"))
    }

    private func alert(telling notice: Notice?, of token: WatchedToken, _ belief: Belief) -> Alert? {
        guard let notice else { return nil }
        let subject = AlertComposer.Subject(
            token: token,
            belief: belief,
            report: TokenReport(token: token, belief: belief, uptime: Uptime(), nextProbeAt: nil),
            notice: notice,
            noticedAt: moment(90).wall
        )
        return AlertComposer(host: "srv1").alert(telling: [subject], openTokens: 1, at: moment(90).wall)
    }
}
