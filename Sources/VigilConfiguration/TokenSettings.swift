import TokenHealth

/// What a token's settings may refer to.
struct TokenSurroundings {
    let providers: KnownProviders
    /// Every configured name, also of notifiers whose settings are wrong.
    let notifiers: [String]
    let habits: HabitSettings
}

/// The built-in providers and the file's own, which come first where the names are equal.
struct KnownProviders {
    /// `nil` for one whose description is wrong: that is told once, there.
    let own: [String: ProviderDefinition?]

    /// All names, sorted.
    var names: [String] { Set(own.keys).union(ProviderCatalog.builtIn.names).sorted() }

    /// `nil` for one that is unknown, and in it `nil` for one whose description is wrong.
    subscript(name: String) -> ProviderDefinition?? {
        if let definition = own[name] { return definition }
        return ProviderCatalog.builtIn.definition(of: name).map(Optional.some)
    }
}

extension Setting {
    /// One token to watch, with its provider resolved into it.
    func token(named name: String, at place: Place, in surroundings: TokenSurroundings) -> WatchedToken? {
        guard case .mapping(let members) = node.content else {
            report("\(key) is \(node.kind): expected \(ConfigurationSection.token.expectation)")
            return nil
        }
        guard isName(name, of: "a token", at: place), let tokenName = TokenName(name) else { return nil }
        let hasProvider = members.contains { $0.key == "provider" }
        let definition = hasProvider ? tokenProvider(in: surroundings, members: members) : nil
        guard let fields = mapping(.token, others: definition?.parameters) else { return nil }
        if !hasProvider {
            let known = surroundings.providers.names.joined(separator: ", ")
            report("provider is missing: which API the token is for; known here: \(known)")
        }
        let secret = fields.required("secret", "where the token is, as in secret: {file: PATH}")?.secretSource()
        var habits = surroundings.habits
        habits.adopt(fields, notifiers: surroundings.notifiers)
        let draft = fields.tokenFacts()
        guard let definition, let probe = fields.chosenProbe(of: definition.provider) else { return nil }
        let parameters = fields.parameters(named: definition.parameters, for: probe)
        let asker = fields.asker(for: probe, of: definition.provider)
        guard let secret else { return nil }
        var token = WatchedToken(
            name: tokenName,
            provider: definition.provider,
            secret: secret,
            parameters: parameters,
            owner: draft.owner,
            usedBy: draft.usedBy
        )
        token.probe = probe
        token.asker = asker
        fields.address(&token)
        token.habits = habits.watch
        token.notify = habits.notify ?? surroundings.notifiers
        fields.grant(&token)
        fields.expectation(&token)
        warnOfHaste(token, habits: habits)
        return token
    }

    /// Reads `provider` before anything else, because it decides which further keys there may be.
    private func tokenProvider(
        in surroundings: TokenSurroundings,
        members: [ConfigurationNode.Member]
    ) -> ProviderDefinition? {
        guard let member = members.first(where: { $0.key == "provider" }) else { return nil }
        let setting = Setting(node: member.value, key: member.key, path: "\(path).provider", log: log)
        guard let name = setting.text("the name of a provider") else { return nil }
        guard let definition = surroundings.providers[name] else {
            let known = surroundings.providers.names
            setting.report("unknown provider \(Wording.shown(name))\(Wording.suggestion(for: name, in: known))")
            return nil
        }
        return definition
    }

    private func warnOfHaste(_ token: WatchedToken, habits: HabitSettings) {
        guard let advised = token.provider.limits.advisedInterval, token.interval < advised else { return }
        let (interval, least) = (DurationText.format(token.interval), DurationText.format(advised))
        log.warning(
            "token '\(token.name)' is probed every \(interval), and provider '\(token.provider.name)' advises "
                + "\(least) or more",
            at: habits.intervalPlace ?? node.place,
            path: "\(path).interval"
        )
    }
}

extension Fields {
    /// What people want to know about a token.
    fileprivate func tokenFacts() -> (owner: String?, usedBy: [Dependant]) {
        let usedBy = self["used_by"]?.list("a list of systems", allowsEmpty: true)?.compactMap { $0.dependant() }
        return (self["owner"]?.text(), usedBy ?? [])
    }

    /// The request a token is checked with: one of `probes:` where it names one.
    fileprivate func chosenProbe(of provider: Provider) -> ProbeTemplate? {
        guard let setting = self["probe"] else { return provider.probe }
        guard let name = setting.text("the name of a probe") else { return nil }
        if let probe = provider.otherProbes[name] { return probe }
        let known = provider.otherProbes.keys.sorted()
        let none = known.isEmpty ? "; it has only its usual one: leave this key out" : ""
        setting.report(
            "provider '\(provider.name)' has no probe \(Wording.shown(name))"
                + "\(Wording.suggestion(for: name, in: known))\(none)"
        )
        return nil
    }

    /// The values for `{name}` in paths, whether this probe uses them or not.
    fileprivate func parameters(named names: [String], for probe: ProbeTemplate) -> [String: String] {
        var parameters: [String: String] = [:]
        for entry in entries where names.contains(entry.name) && !section.keys.contains(entry.name) {
            guard let value = entry.value.text("the value of a parameter") else { continue }
            guard value != ".", value != ".." else {
                entry.value.report("\(entry.name) would change the path of the request")
                continue
            }
            parameters[entry.name] = value
        }
        let present = Set(entries.map(\.name))
        for name in probe.path.parameterNames where !present.contains(name) && !section.keys.contains(name) {
            setting.report("\(name) is missing: the path of the probe needs it, \(probe.path)")
        }
        return parameters
    }

    /// The credential that asks, where the provider wants one beside the token.
    fileprivate func asker(for probe: ProbeTemplate, of provider: Provider) -> SecretSource? {
        let isNeeded = provider.needsAsker(for: probe)
        guard let setting = self["ask_as"] else {
            guard isNeeded else { return nil }
            self.setting.report(
                "ask_as is missing: provider '\(provider.name)' asks with a credential of its own, beside the token: "
                    + "say where it is, as in ask_as: {file: PATH}"
            )
            return nil
        }
        if !isNeeded {
            setting.report("ask_as is of no use: provider '\(provider.name)' has no {asker} in its request")
        }
        return setting.secretSource()
    }

    /// What must be true of the token, as far as its probe can tell.
    fileprivate func expectation(_ token: inout WatchedToken) {
        var isAsked = true
        if case .clientCredentials(let client)? = token.grant { isAsked = client.isProbed }
        guard let expected = self["expect"]?.expectation(against: token.probe, isAsked: isAsked) else { return }
        token.expectedIdentity = expected.identity
        token.expectedScopes = expected.scopes
    }

    /// Where requests of this token go, where that is not its provider's usual address.
    fileprivate func address(_ token: inout WatchedToken) {
        if self["allow_plaintext"]?.flag() == true { token.provider.allowsPlaintext = true }
        let base = self["base_url"]?.webAddress(
            allowsPlaintext: token.provider.allowsPlaintext,
            allowsQuery: token.probe.path.isEmpty
        )
        if self["base_url"] == nil, token.provider.baseURL == nil {
            setting.report(
                "base_url is missing: provider '\(token.provider.name)' has none, so say where this token's "
                    + "\(token.probe.path.isEmpty ? "endpoint" : "API") is, https://…"
            )
        }
        token.baseURL = base?.text(for: token.probe) ?? token.baseURL
        token.certificateAuthorities = self["ca_file"]?.authoritiesPath() ?? token.certificateAuthorities
    }
}

extension Setting {
    fileprivate func dependant() -> Dependant? {
        guard let fields = mapping(.dependant) else { return nil }
        let name = fields.required("name", "what stops working without the token")?.text()
        let (owner, url) = (fields["owner"]?.text(), fields["url"]?.pageAddress())
        return name.map { Dependant(name: $0, owner: owner, url: url) }
    }
}
