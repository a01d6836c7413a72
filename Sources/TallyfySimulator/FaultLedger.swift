import FoundationEssentials

/// The faults in force and how far each has been played.
struct FaultLedger: Sendable {
    fileprivate struct Entry {
        let fault: Fault
        let injected: Date
        /// Requests it covered so far.
        var covered = 0
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }

    mutating func add(_ fault: Fault, at now: Date) { entries.append(Entry(fault: fault, injected: now)) }

    /// What befalls a request: every fault that covers it moves on by one.
    mutating func strike(_ target: Target, tokenFingerprint: String?, at now: Date) -> [Fault.Kind] {
        var kinds: [Fault.Kind] = []
        for index in entries.indices
        where entries[index].fault.covers(target, tokenFingerprint) && entries[index].isCurrent(at: now) {
            entries[index].covered += 1
            let played = entries[index].covered - entries[index].fault.after
            if played > 0, entries[index].fault.kind.isOn(turn: played - 1) { kinds.append(entries[index].fault.kind) }
        }
        entries.removeAll { $0.isSpent || !$0.isCurrent(at: now) }
        return kinds
    }
}

extension FaultLedger.Entry {
    fileprivate func isCurrent(at now: Date) -> Bool {
        guard let seconds = fault.seconds else { return true }
        return now.timeIntervalSince(injected) < seconds
    }

    fileprivate var isSpent: Bool {
        guard let count = fault.count else { return false }
        return covered - fault.after >= count
    }
}

extension Fault {
    fileprivate func covers(_ target: Target, _ fingerprint: String?) -> Bool {
        if let tokenFingerprint, tokenFingerprint != fingerprint { return false }
        guard let route else { return true }
        var pattern = Target(route).segments[...]
        var segments = target.segments[...]
        if pattern.last == "*" {
            pattern.removeLast()
            segments = segments.prefix(pattern.count)
        }
        return pattern.count == segments.count && zip(pattern, segments).allSatisfy(Self.matches)
    }

    private static func matches(_ pattern: String, _ segment: String) -> Bool {
        pattern == segment || pattern == "*" || pattern.hasPrefix("{") && pattern.hasSuffix("}")
    }
}

extension Fault.Kind {
    fileprivate func isOn(turn: Int) -> Bool {
        guard case .flap(_, let pattern) = self else { return true }
        return pattern.isEmpty || pattern[turn % pattern.count]
    }
}

/// Playing faults.
extension SimulatedTallyfy {
    /// The first fault with an answer of its own replaces the pipeline; the others change how the answer is delivered.
    mutating func faultyAnswer(_ call: Call, at now: Date) -> SimulatedAnswer {
        let kinds = faults.strike(
            call.target,
            tokenFingerprint: call.bearer.map(SimulatedTallyfy.fingerprint(of:)),
            at: now
        )
        // A request that never arrived leaves no trace in the application.
        if kinds.contains(.refuse) { return SimulatedAnswer(0, delivery: .refuse) }
        if kinds.contains(.stall) { return SimulatedAnswer(0, delivery: .stall) }
        var answer = kinds.compactMap { faultAnswer($0, call, at: now) }.first ?? soundAnswer(call, at: now)
        for kind in kinds {
            switch kind {
            case .delay(let delay): answer.delay += delay
            case .reset: answer.delivery = .reset
            case .slowBody(let bytes, let pause): answer.delivery = .slowBody(bytes: bytes, pause: pause)
            case .rateLimit, .maintenance, .waf, .status, .body, .nonCredential401, .business403, .refuse, .stall,
                .wrongUser, .flap, .redirect:
                break
            }
        }
        return answer
    }

    private func faultAnswer(_ kind: Fault.Kind, _ call: Call, at now: Date) -> SimulatedAnswer? {
        switch kind {
        case .delay, .reset, .refuse, .stall, .slowBody: nil
        case .rateLimit(let retryAfter): Bodies.rateLimited(retryAfter, at: now)
        case .maintenance(let html, let seconds):
            Bodies.maintenance(html: html ?? (switches.maintenanceBody == .html), retryAfterSeconds: seconds)
        case .waf(let status): Bodies.challenge(status)
        case .status(let status, let body, let html, let headers):
            customAnswer(status, body: body, html: html, headers: headers, at: now)
        case .body(let variant): strangeBody(variant, call)
        case .nonCredential401(let text): Bodies.nonCredential(text)
        case .business403: Bodies.businessRule
        case .wrongUser(let id): wrongUser(id)
        case .flap(let status, _): Bodies.usual(status, switches, at: now)
        case .redirect(let location, let status): Bodies.redirect(to: location, status: status)
        }
    }

    private func customAnswer(
        _ status: Int,
        body: [UInt8]?,
        html: Bool,
        headers: [HeaderField],
        at now: Date
    ) -> SimulatedAnswer {
        var answer = html ? .html(status, Bodies.page("Error \(status)")) : Bodies.usual(status, switches, at: now)
        if let body { answer.body = body }
        let given = headers.map { $0.name.lowercased() }
        answer.headers.removeAll { given.contains($0.name.lowercased()) }
        answer.headers += headers
        return answer
    }

    private func strangeBody(_ variant: Fault.BodyVariant, _ call: Call) -> SimulatedAnswer {
        switch variant {
        case .htmlLogin: return .html(200, Bodies.page("Log in"))
        case .nullData: return .json(200, ["data": .null])
        case .array: return .json(200, [])
        case .huge:
            return .json(200, ["data": ["id": 1, "padding": .string(String(repeating: "x", count: 5_000_000))]])
        case .wrongUser: return wrongUser(nil)
        case .truncated:
            let user = call.bearer.flatMap { tokens[$0]?.user }.flatMap { people[$0] }
            let whole = user.map { Bodies.user($0, role: .standard, status: "active") } ?? Bodies.stranger
            var answer = SimulatedAnswer.json(200, ["data": whole])
            let sent = answer.body.count / 2
            answer.delivery = .truncated(missing: answer.body.count - sent)
            answer.body = Array(answer.body.prefix(sent))
            return answer
        }
    }

    private func wrongUser(_ id: Int?) -> SimulatedAnswer {
        let other = id.flatMap { people[$0] }.map { Bodies.user($0, role: .standard, status: "active") }
        return .json(200, ["data": other ?? Bodies.stranger])
    }
}
