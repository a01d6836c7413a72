import TokenHealth

extension Fields {
    /// Reads the request out of `probe:` or of one of `probes:`, with the meaning of its answers out of `judgement`.
    ///
    /// - Parameter judgement: where `accepted`, `rejected` and the like stand: beside `probe:`, or in the probe itself.
    /// - Returns: `nil` where it has no path.
    func probe(judgedBy judgement: Fields) -> ProbeTemplate? {
        let path = required("path", "the path of the request, as in path: /me")?.probePath()
        guard let path else { return nil }
        var probe = ProbeTemplate(path: path)
        probe.body = body()
        probe.method = self["method"]?.method(hasBody: probe.body != nil) ?? (probe.body == nil ? "GET" : "POST")
        probe.headers = self["headers"]?.headers() ?? []
        if !probe.headers.contains(where: { $0.name.lowercased() == "accept" }) {
            probe.headers.append(HeaderField("Accept", "application/json"))
        }
        probe.requiredHeaders = self["required_headers"]?.headerNames() ?? []
        probe.accepted = judgement["accepted"]?.acceptance() ?? probe.accepted
        probe.rejected = judgement["rejected"]?.matchers(.rejections) ?? probe.rejected
        probe.limited = judgement["limited"]?.matchers(.limitations) ?? []
        probe.unrelated = judgement["unrelated"]?.matchers(.others) ?? []
        probe.withoutToken = judgement["without_token"]?.matchers(.refusals) ?? []
        probe.origin = judgement["rejected"] == nil ? .general : .own
        probe.identity = judgement["identity"]?.identityPointers()
        probe.expiry = judgement["expiry"]?.expiryPlace()
        probe.scopes = judgement["scopes"]?.scopePlace()
        return probe
    }

    /// What is sent with a POST.
    private func body() -> BodyTemplate? {
        if let json = self["json"], self["form"] != nil { json.report("json and form exclude each other: keep one") }
        if let fields = self["form"]?.formFields() { return .form(fields) }
        return self["json"].map { .json($0.document()) }
    }

    /// Which header carries the secret.
    func authorization() -> AuthorizationTemplate {
        var template = AuthorizationTemplate()
        if let setting = self["header"], let name = setting.text("the name of a header"),
            setting.isHeaderName(name, at: setting.node.place)
        {
            template.header = name
        }
        if let setting = self["value"], let value = setting.headerValue() {
            guard value.secretPlaces == 1 else {
                setting.report(
                    "value must hold {token} once, where the secret is put in, as in \"Bearer {token}\"; "
                        + "the secret itself never stands in this file"
                )
                return template
            }
            template.value = value
        }
        template.alsoIn = self["also"]?.headerNames() ?? []
        return template
    }
}

extension Setting {
    /// Conditions of which one must hold for a token to be alive.
    fileprivate func acceptance() -> [Matcher]? {
        guard let matchers = matchers(.acceptances) else { return nil }
        if case .sequence(let elements) = node.content, elements.isEmpty {
            report("accepted is an empty list: no answer could ever show that a token is alive")
        }
        return matchers
    }

    fileprivate func method(hasBody: Bool) -> String? {
        guard let text = text("GET or POST") else { return nil }
        guard ["GET", "POST"].contains(text) else {
            report("method \(Wording.shown(text)) is not possible: expected GET or POST")
            return nil
        }
        if hasBody, text == "GET" { report("method GET has no body: leave form and json out, or write POST") }
        return text
    }

    /// Names and values of a form, which may hold {token} or {asker}.
    fileprivate func formFields() -> [HeaderField]? {
        guard let entries = entries("a mapping from field names to values") else { return nil }
        return entries.compactMap { entry in
            entry.value.text("the value of a field").map { HeaderField(entry.name, $0) }
        }
    }

    /// A JSON document written as YAML, whose texts may hold {token} or {asker}.
    fileprivate func document() -> JSONValue { node.document }

    /// The path of a request, to be appended to an address.
    func probePath() -> String? {
        // Where the path is empty, base_url is the whole address.
        if case .scalar(let scalar) = node.content, !scalar.isNull, scalar.text.isEmpty { return "" }
        guard let path = text("a path such as /me, or \"\"") else { return nil }
        guard path.hasPrefix("/") else {
            report("path does not begin with /: it is appended to base_url")
            return nil
        }
        guard path.secretPlaces == 0 else {
            report("path has {token} in it: a secret is sent in a header, never in a URL, where logs would keep it")
            return nil
        }
        let plain = path.replacing(/\{[A-Za-z][A-Za-z0-9_]*\}/, with: "")
        guard plain.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"\"#<>\\^`{|}".utf8.contains($0) }) else {
            report(
                "path has a character that no URL path has, or a brace that is no {parameter}: write it percent-encoded"
            )
            return nil
        }
        return path
    }

    fileprivate func headerNames() -> [String]? {
        list("a list of header names", allowsEmpty: true)?.compactMap { element in
            guard let name = element.text("the name of a header"), element.isHeaderName(name, at: element.node.place)
            else { return nil }
            return name
        }
    }

    /// The fixed headers of a request, whose values are never shown.
    func headers() -> [HeaderField]? {
        guard let entries = entries("a mapping from header names to values") else { return nil }
        return entries.compactMap { entry in
            guard entry.value.isHeaderName(entry.name, at: entry.place) else { return nil }
            let refusal = Setting.refusals[entry.name.lowercased()]
            if let refusal { log.error("header \(entry.name) \(refusal)", at: entry.place, path: entry.value.path) }
            guard let value = entry.value.headerValue(), refusal == nil else { return nil }
            guard value.secretPlaces == 0 else {
                entry.value.report(
                    "{token} is put into the header that auth names, as in auth: {header: \(entry.name)}"
                )
                return nil
            }
            return HeaderField(entry.name, value)
        }
    }

    private static let refusals = [
        "authorization": "is set by auth: a secret never stands in this file",
        "connection": "is not the configuration's to set",
        "content-length": "is not the configuration's to set",
        "cookie": "would hold a secret, which never stands in this file",
        "host": "is not the configuration's to set: it follows from base_url",
        "proxy-authorization": "would hold a secret, which never stands in this file",
        "transfer-encoding": "is not the configuration's to set",
    ]

    fileprivate func headerValue() -> String? {
        guard let value = text("the value of a header") else { return nil }
        guard value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            report("\(key) has a character that no header value has: printable ASCII only")
            return nil
        }
        return value
    }
}

extension String {
    /// How many places for a secret there are in this text.
    fileprivate var secretPlaces: Int {
        SecretPlace.allCases.map { ranges(of: $0.plain).count + ranges(of: $0.base64).count }.reduce(0, +)
    }

    /// The names in braces: `organization` in `/organizations/{organization}/me`.
    var parameterNames: [String] {
        // Most paths have none, and there may be one for each of very many tokens.
        guard utf8.contains(UInt8(ascii: "{")) else { return [] }
        return matches(of: /\{([A-Za-z][A-Za-z0-9_]*)\}/).map { String($0.output.1) }
    }
}

extension ConfigurationNode {
    /// This piece as JSON: what was written without quotes is a number, true, false or null where it reads as one.
    fileprivate var document: JSONValue {
        switch content {
        case .scalar(let scalar): scalar.json
        case .sequence(let elements): .array(elements.map(\.document))
        case .mapping(let members):
            .object(Dictionary(members.map { ($0.key, $0.value.document) }) { first, _ in first })
        }
    }
}
