import TokenHealth

/// Which list a matcher stands in.
enum MatcherKind: Sendable {
    case acceptances, rejections, limitations, others
    /// Of a request without a token.
    case refusals

    /// The words that `reason` may be.
    var meanings: [String: Matcher.Meaning] {
        switch self {
        case .rejections: ["expired": .rejection(.expired), "revoked": .rejection(.revoked)]
        case .limitations:
            Dictionary(
                uniqueKeysWithValues: [Limitation.stepUp, .scope, .plan, .forbidden, .locked].map {
                    ($0.rawValue, .limitation($0))
                }
            )
        case .acceptances, .others, .refusals: [:]
        }
    }

    /// Whether an answer with this status is ever compared with such a matcher.
    func mayApply(to status: Int) -> Bool {
        switch (self, status) {
        case (.refusals, _), (_, 200..<300): true
        case (.acceptances, _), (_, 100..<200), (_, 300..<400), (_, 407), (_, 408), (_, 425), (_, 429), (_, 500...):
            false
        case (.rejections, _), (.limitations, _), (.others, _): true
        }
    }
}

extension Setting {
    /// A list of conditions on an answer.
    func matchers(_ kind: MatcherKind) -> [Matcher]? {
        list("a list of matchers such as {status: 401}", allowsEmpty: true)?.compactMap { $0.matcher(kind) }
    }

    private func matcher(_ kind: MatcherKind) -> Matcher? {
        guard let fields = mapping(.matcher) else { return nil }
        guard fields.entries.contains(where: { $0.name != "reason" }) else {
            report("\(key) has no condition: it would match every answer")
            return nil
        }
        let status = fields["status"]?.statusPattern()
        warnOfDeadRule(status, kind)
        return Matcher(
            status: status,
            headers: fields["header"]?.headerPatterns() ?? [:],
            body: fields["body"]?.pattern(),
            json: fields["json"]?.expectations() ?? [:],
            meaning: fields["reason"]?.meaning(of: kind)
        )
    }

    /// Says of a rule that it can never apply, or not to all that it lists.
    private func warnOfDeadRule(_ status: StatusPattern?, _ kind: MatcherKind) {
        guard let codes = status?.codes else { return }
        let dead = codes.filter { !kind.mayApply(to: $0) }.sorted()
        guard let first = dead.first, dead.count == codes.count || codes.count < 100 else { return }
        let some = dead.count > 5 ? "\(first) to \(dead.last ?? first)" : dead.map(String.init).joined(separator: ", ")
        let why =
            kind == .acceptances
            ? "only a 2xx shows that a token works"
            : "redirects, errors of the server, proxies and rate limits say nothing of a token"
        let extent = dead.count == codes.count ? "can never apply" : "can never apply to \(some)"
        log.warning("\(key) \(extent): \(why)", at: node.place, path: path)
    }

    /// What an answer of such a kind may say more exactly.
    private func meaning(of kind: MatcherKind) -> Matcher.Meaning? {
        guard let word = text("a word") else { return nil }
        guard let meaning = kind.meanings[word] else {
            let words = kind.meanings.keys.sorted()
            report(
                words.isEmpty
                    ? "reason is for the lists rejected and limited only"
                    : "reason \(Wording.shown(word)) is not possible here: expected \(Wording.choice(words))"
            )
            return nil
        }
        return meaning
    }

    private func statusPattern() -> StatusPattern? {
        if case .sequence = node.content {
            let patterns = list("a status")?.map { $0.oneStatus() } ?? []
            return StatusPattern(codes: patterns.reduce(into: []) { $0.formUnion($1?.codes ?? []) })
        }
        return oneStatus()
    }

    private func oneStatus() -> StatusPattern? {
        let expectation = "a number from 100 to 599, a class such as 2xx, or a list of these"
        guard let text = scalar(expectation)?.text else { return nil }
        if let code = Int(text), (100...599).contains(code) { return .exactly(code) }
        let classes = ["1xx": 1, "2xx": 2, "3xx": 3, "4xx": 4, "5xx": 5]
        if let digit = classes[text.lowercased()] { return .hundreds(digit) }
        report("\(key) \(Wording.shown(text)) is not a status: expected \(expectation)")
        return nil
    }

    private func headerPatterns() -> [String: TextPattern]? {
        guard let entries = entries("a mapping from header names to regular expressions") else { return nil }
        var patterns: [String: TextPattern] = [:]
        for entry in entries where entry.value.isHeaderName(entry.name, at: entry.place) {
            patterns[entry.name] = entry.value.pattern()
        }
        return patterns
    }

    private func pattern() -> TextPattern? {
        guard let text = scalar("a regular expression")?.text else { return nil }
        guard !text.isEmpty else {
            report("\(key) \(Wording.shown(text)) is not a regular expression")
            return nil
        }
        do {
            return try TextPattern(reading: text)
        } catch {
            report("\(key) \(Wording.shown(text)) is not a regular expression: it \(error)")
            return nil
        }
    }

    private func expectations() -> [JSONPointer: JSONExpectation]? {
        guard let entries = entries("a mapping from JSON Pointers to values") else { return nil }
        var expectations: [JSONPointer: JSONExpectation] = [:]
        for entry in entries {
            guard let pointer = entry.value.pointer(entry.name, at: entry.place) else { continue }
            expectations[pointer] = entry.value.expectation()
        }
        return expectations
    }

    private func expectation() -> JSONExpectation? {
        guard case .scalar(let scalar) = node.content else {
            report("\(key) is \(node.kind): expected a text, a number, true, false, null or present")
            return nil
        }
        if let other = scalar.otherReading {
            let advice = "put it in quotes if that is meant"
            log.warning("\(key) is the text '\(scalar.text)' here, not \(other): \(advice)", at: node.place, path: path)
        }
        return scalar.json == .string("present") ? .present : .equals(scalar.json)
    }

    /// Where the identity stands in an accepted answer: one pointer, or one for the id and one for the name.
    func identityPointers() -> IdentityPointers? {
        guard case .mapping = node.content else {
            return pointer().map { IdentityPointers(id: $0) }
        }
        guard let fields = mapping(.identity) else { return nil }
        let id = fields.required("id", "a JSON Pointer to the account's id")?.pointer()
        let name = fields["name"]?.pointer()
        return id.map { IdentityPointers(id: $0, name: name) }
    }

    /// A place in an answer.
    func pointer() -> JSONPointer? {
        guard let text = text("a JSON Pointer such as /data/id") else { return nil }
        return pointer(text, at: node.place)
    }

    private func pointer(_ text: String, at place: Place) -> JSONPointer? {
        let isEscaped = !text.contains(/~(?:[^01]|$)/)
        guard let pointer = JSONPointer(text), !text.isEmpty, isEscaped else {
            let form = "begin it with / as in /data/id, and write ~0 for ~ and ~1 for / inside a name"
            log.error("\(Wording.shown(text)) is not a JSON Pointer: \(form)", at: place, path: path)
            return nil
        }
        return pointer
    }

    /// Checks a name against RFC 9110.
    func isHeaderName(_ name: String, at place: Place) -> Bool {
        let isToken = name.utf8.allSatisfy { $0.isLetterOrDigit || "!#$%&'*+-.^_`|~".utf8.contains($0) }
        guard isToken, (1...100).contains(name.utf8.count) else {
            log.error(
                "\(Wording.shown(name)) is not a header name: letters, digits and -, without spaces or a colon",
                at: place,
                path: path
            )
            return false
        }
        return true
    }
}
