import FoundationEssentials
import TokenHealth
import VigilConfiguration

/// Everything that bytes from the network and from a secret's file go through, from the exchange to the alert.
///
/// The input is text: the first line is the secret, then answers follow, each in a block that a record separator (0x1E)
/// begins: `STATUS FLAGS SECONDS`, header lines, an empty line, the body. Flags: `c` the body was cut, `w` the request
/// without the token was answered so, `f` there was no answer, `n` the secret is a new one.
enum VerdictTarget {
    /// Runs one input; whatever it is, this returns.
    static func run(_ bytes: [UInt8]) {
        let blocks = bytes.split(separator: 0x1E, maxSplits: 7, omittingEmptySubsequences: false)
        let secret = try? SecretLint.secret(in: blocks[0], source: "file /x")
        let claims = secret.flatMap { TokenClaims(of: $0) }
        // Which of the tokens, and whether what is kept is read again, depends on the input: a million should not take
        // an hour.
        var story = Story(token: tokens[bytes.count % tokens.count], secret: secret, claims: claims)
        for block in blocks.dropFirst() { story.tell(Block(block)) }
        story.ask()
        if bytes.count / tokens.count % 8 == 0 { story.end() }
    }

    /// One for each built-in provider, and two of providers that have everything a provider can have.
    private static let tokens: [WatchedToken] =
        ProviderCatalog.builtIn.names.map { builtIn($0) } + [
            builtIn("tallyfy", rest: ", organization: abc"),
            builtIn("tallyfy", rest: ", grant: {type: client_credentials, client_id: \"105\"}"),
            token(ProbeTemplate(path: "/me")),
            token(
                ProbeTemplate(
                    path: "/{organization}/me",
                    headers: [HeaderField("X-Client", "a")],
                    requiredHeaders: ["X-Client"],
                    accepted: [Matcher(status: .success, json: [pointer("/data/id"): .present])],
                    rejected: [
                        Matcher(status: .exactly(401)),
                        Matcher(status: .exactly(403), headers: ["x-error": pattern("(?i)token")], body: pattern("^$")),
                        Matcher(status: .success, json: [pointer("/active"): .equals(.bool(false))]),
                    ],
                    limited: [
                        Matcher(status: .exactly(403), json: [pointer("/errcode"): .equals(.string("M_FORBIDDEN"))])
                    ],
                    unrelated: [Matcher(json: [pointer("/message"): .equals(.string("Unauthorized action"))])],
                    identity: IdentityPointers(id: pointer("/data/id"), name: pointer("/data/0/email~1"))
                ),
                lifetime: .seconds(180 * 86_400)
            ),
        ]

    private static func builtIn(_ name: String, rest: String = "") -> WatchedToken {
        let asker = name == "oauth2-introspection" ? ", ask_as: {credential: asker}" : ""
        let text = """
            version: 1
            tokens: {bot: {provider: \(name), secret: {credential: bot}, base_url: https://a.example.com/x/\(asker)\(rest)}}
            """
        guard let token = try? ConfigurationLoader.load(text: text, name: "built-in").tokens.first else {
            preconditionFailure("the built-in provider \(name) cannot be used")
        }
        return token
    }

    private static func token(_ template: ProbeTemplate, lifetime: Duration? = nil) -> WatchedToken {
        var probe = template
        probe.origin = lifetime == nil ? .general : .own
        probe.expiry = lifetime == nil ? .secondsLeft(pointer("/expires_in")) : .header("x-expires")
        probe.scopes = lifetime == nil ? .json(pointer("/scopes")) : .header("x-scopes")
        guard let name = TokenName("bot") else { preconditionFailure("bot is a name") }
        let provider = Provider(
            name: "example",
            baseURL: "https://api.example.test",
            probe: probe,
            lifetime: lifetime,
            remedy: Remedy(causes: ["its owner logged out"])
        )
        return WatchedToken(
            name: name,
            provider: provider,
            secret: .file(path: "/x"),
            parameters: ["organization": "a/b"],
            confirmation: Confirmation(rejections: 2, over: .seconds(1))
        )
    }

    private static func pointer(_ text: String) -> JSONPointer {
        guard let pointer = JSONPointer(text) else { preconditionFailure("\(text) is a pointer") }
        return pointer
    }

    private static func pattern(_ text: String) -> TextPattern {
        guard let pattern = TextPattern(text) else { preconditionFailure("\(text) is a pattern") }
        return pattern
    }
}

/// One answer of an input.
private struct Block {
    var exchange: Exchange
    var isControl = false
    var isNewSecret = false
    var pause = 0.0

    init(_ bytes: ArraySlice<UInt8>) {
        let head = bytes.prefix { $0 != 0x0A }
        let words = head.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
        let flags = words.count > 1 ? words[1] : ""
        isControl = flags.contains("w")
        isNewSecret = flags.contains("n")
        // A host's clock may be wrong by a century, and go backwards.
        if words.count > 2, let seconds = Double(words[2]) { pause = max(-4e9, min(4e9, seconds.isNaN ? 0 : seconds)) }
        if flags.contains("f") {
            let kinds = TransportFailure.Kind.allCases
            let detail = String(decoding: bytes.dropFirst(head.count), as: UTF8.self)
            exchange = Exchange(.failed(TransportFailure(kinds[bytes.count % kinds.count], detail)))
            return
        }
        var rest = bytes.dropFirst(head.count + 1)
        var headers: [HeaderField] = []
        while !rest.isEmpty {
            let line = rest.prefix { $0 != 0x0A }
            rest = rest.dropFirst(line.count + 1)
            guard !line.isEmpty else { break }
            let name = line.prefix { $0 != 0x3A }
            let value = line.dropFirst(name.count + 1).drop { $0 == 0x20 }
            headers.append(HeaderField(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        let status = words.first.flatMap { Int($0) } ?? 200
        exchange = Exchange(
            .answered(Answer(status: status, headers: headers, body: Array(rest), isCut: flags.contains("c"))),
            latency: .milliseconds(bytes.count)
        )
    }
}

/// What is believed of one token while the answers come in.
private struct Story {
    let token: WatchedToken
    let secret: Secret?
    let claims: TokenClaims?
    private var belief = Belief(at: Date(timeIntervalSince1970: 1_795_428_000))
    private var wall = 1_795_428_000.0
    private var uptime = 0.0
    private var control: Exchange?
    private var secrets = 0

    init(token: WatchedToken, secret: Secret?, claims: TokenClaims?) {
        self.token = token
        self.secret = secret
        self.claims = claims
    }

    mutating func tell(_ block: Block) {
        wall = max(-1e11, min(1e11, wall + block.pause))
        uptime += abs(block.pause)
        if block.isNewSecret { secrets += 1 }
        let exchange = struck(block.exchange)
        if block.isControl { control = exchange } else { consider(exchange, siblingsPass: block.isNewSecret) }
    }

    private func struck(_ exchange: Exchange) -> Exchange {
        guard let secret, case .answered(let answer) = exchange.outcome else { return exchange }
        let struck = secret.sentForms(in: token.question).reduce(answer) { $0.striking($1) }
        return Exchange(.answered(struck), latency: exchange.latency)
    }

    private mutating func consider(_ exchange: Exchange, siblingsPass: Bool) {
        let exchange = lifted(exchange)
        let judge = Judge(token: token, knownIdentity: belief.identity, siblingsPass: siblingsPass)
        let now = Moment(wall: Date(timeIntervalSince1970: wall), uptime: .seconds(uptime))
        let finding =
            client.map { GrantJudge($0).finding(on: exchange) } ?? judge.finding(on: exchange, control: control)
        _ = client.map { GrantJudge($0).delegationFinding(on: exchange) }
        let isAccepted = finding.verdict.name == .accepted
        _ = belief.controlDemand(
            beside: exchange,
            finding,
            isDecisive: judge.needsControl(for: exchange),
            token: token,
            at: now
        )
        let observation = Observation(
            finding,
            control: control.map { judge.controlResult(of: $0) },
            httpStatus: exchange.status,
            latency: exchange.latency,
            fingerprint: Fingerprint(text: "k1:\(secrets)"),
            claims: claims,
            answer: AnswerEvidence(of: exchange, verdict: finding.verdict.name, rules: token.probe, at: now.wall),
            controlAnswer: control.map { AnswerEvidence(of: $0, verdict: nil, rules: token.probe, at: now.wall) },
            facts: isAccepted ? token.probe.facts(in: exchange, at: now.wall) : StatedFacts(),
            membership: isAccepted ? token.membershipReading(of: exchange, page: 1 + secrets % 3) : nil,
            at: now
        )
        take(belief.considering(observation, of: token, chance: 0.5), at: now.wall)
        take(belief.ageing(at: now, of: token, chance: 0), at: now.wall)
    }

    /// The client whose secret this is, for a token that is granted.
    private var client: ClientCredentials? {
        guard case .clientCredentials(let client)? = token.grant else { return nil }
        return client
    }

    /// The answer of a token endpoint without what it grants.
    private func lifted(_ exchange: Exchange) -> Exchange {
        guard client != nil, case .answered(let answer) = exchange.outcome else { return exchange }
        let (rest, granted) = answer.liftingGrant()
        _ = (rest.grantedLife, rest.grantedScopes, granted.flatMap { TokenClaims(of: $0) })
        return Exchange(.answered(rest), latency: exchange.latency, minted: granted)
    }

    private mutating func take(_ decision: Decision, at now: Date) {
        _ = decision.isWorthStoring(after: belief)
        belief = decision.belief
        precondition(decision.rest >= .zero && decision.pause >= .zero, "a pause is never negative")
        let report = TokenReport(token: token, belief: belief, uptime: Uptime(), nextProbeAt: now)
        let subjects = decision.notices.map {
            AlertComposer.Subject(token: token, belief: belief, report: report, notice: $0, noticedAt: now)
        }
        for subject in subjects {
            let alert = AlertComposer(host: "srv1").alert(telling: [subject], openTokens: 0, at: now)
            precondition(alert?.evidence.isEmpty == false, "an alert without its reasoning")
        }
    }

    /// The request that the secret is put into.
    func ask() {
        secret?.withExposedValue { value in
            let secrets = RequestSecrets(token: value, asker: value)
            precondition(!secrets.headers(of: token.provider.authorization).isEmpty, "the secret goes nowhere")
            _ = token.probe.body.map { secrets.body(of: $0) }
        }
    }

    private func reread<Value: Codable>(_ value: Value) -> Value? {
        guard let document = try? Wire.stored(value) else { return nil }
        return try? Wire.decoder().decode(Value.self, from: Data(document.utf8))
    }

    /// What is kept must be readable again, and hold nothing that was struck out.
    func end() {
        _ = DeathCertificate(token: token, belief: belief)?.lived
        let evidence = Evidence(token: token, belief: belief)
        _ = evidence.lines
        precondition(reread(evidence) != nil, "evidence that cannot be read again")
        precondition(reread(belief) != nil, "a belief that cannot be read again")
    }
}
