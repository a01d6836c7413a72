import Synchronization
import TokenHealth
import VigilEngine

/// Several endpoints behind one port, each answering as a test says, the way a real prober hands answers over.
final class ScriptedEndpoints: Prober {
    /// What was asked, and with which secret.
    struct Question: Hashable, CustomStringConvertible {
        let path: String
        let secret: String?

        var description: String { path + (secret.map { " \($0)" } ?? "") }
    }

    private struct State {
        var answers: [String: [Exchange]] = [:]
        var questions: [Question] = []
    }

    private let state = Mutex(State())

    /// The answers of one path, in turn; the last one repeats.
    func answer(_ path: String, _ answers: Exchange...) { state.withLock { $0.answers[path] = answers } }

    func exchange(_ request: ProbeRequest) async -> Exchange {
        let path = String(request.question.url.dropFirst("https://api.example.test".count))
        let question = Question(
            path: path,
            secret: request.secret?.withExposedValue { $0 }
        )
        let exchange = state.withLock { state in
            state.questions.append(question)
            guard request.secret != nil else { return Reply.unauthenticated }
            let answers = state.answers[path] ?? []
            if answers.count > 1 { state.answers[path]?.removeFirst() }
            return answers.first ?? Reply.unreachable
        }
        guard request.question.isGrantRequest, case .answered(let answer) = exchange.outcome else { return exchange }
        let (rest, minted) = answer.liftingGrant()
        return Exchange(.answered(rest), minted: minted)
    }

    /// What was asked since the last time, in order.
    func takeQuestions() -> [Question] {
        state.withLock { state in
            defer { state.questions = [] }
            return state.questions
        }
    }

    /// The same in words.
    func takeTexts() -> [String] { takeQuestions().map(\.description) }
}

extension Reply {
    static func json(_ status: Int, _ text: String) -> Exchange {
        Exchange(.answered(Answer(status: status, body: Array(text.utf8))))
    }

    static func granted(_ token: String, seconds: Int = 604_800) -> Exchange {
        json(200, #"{"token_type":"Bearer","expires_in":\#(seconds),"access_token":"\#(token)"}"#)
    }
}

/// One token, looked at again and again.
final class LookBench {
    var token: WatchedToken
    let endpoints = ScriptedEndpoints()
    let secrets = ScriptedSecretReader()
    let timekeeper = ManualTimekeeper()
    private(set) var belief: Belief
    private let observer: TokenObserver
    private(set) var told: [AlertKind] = []

    init(_ token: WatchedToken) {
        self.token = token
        belief = Belief(at: ManualTimekeeper.start)
        observer = TokenObserver(
            prober: endpoints,
            secrets: secrets,
            fingerprinter: PlainFingerprinter(),
            timekeeper: timekeeper
        )
    }

    /// One look, `seconds` after the last one; returns what was asked.
    @discardableResult
    func look(after seconds: Int = 60, isResting: Bool = false) async -> [String] {
        timekeeper.advance(by: .seconds(seconds))
        let sight = await observer.sight(of: token, belief: belief, isResting: isResting)
        let decision =
            sight.observation.map { belief.considering($0, of: token, chance: 0) }
            ?? belief.ageing(at: timekeeper.now(), of: token, chance: 0)
        belief = decision.belief
        told += decision.notices.map(\.kind)
        rest = decision.rest
        return endpoints.takeTexts()
    }

    /// How long the network rests after the last look.
    private(set) var rest = Duration.zero
}
