import TokenHealth

/// A provider as it stands in a file, with what only the configuration needs to know of it.
struct ProviderDefinition: Sendable, Hashable {
    var provider: Provider
    /// Keys that a token of this provider may have besides the usual ones.
    var parameters: [String]

    /// The same with rules of this origin.
    func written(by origin: RuleOrigin) -> ProviderDefinition {
        var definition = self
        definition.provider.probe.origin = origin
        for name in provider.otherProbes.keys { definition.provider.otherProbes[name]?.origin = origin }
        return definition
    }
}

extension Setting {
    /// One API, described as data.
    func provider(named name: String) -> ProviderDefinition? {
        guard let fields = mapping(.provider) else { return nil }
        let allowsPlaintext = fields["allow_plaintext"]?.flag() ?? false
        let base = fields["base_url"]?.webAddress(allowsPlaintext: allowsPlaintext, allowsQuery: false)
        let probe = fields.required("probe", "the request to ask, as in probe: {path: /me}")?
            .mapping(.probe)?.probe(judgedBy: fields)
        let others = fields["probes"]?.namedProbes() ?? [:]
        let authorization = fields["auth"]?.mapping(.auth)?.authorization() ?? AuthorizationTemplate()
        let limits = fields["limits"]?.mapping(.limits)?.limits() ?? ProviderLimits()
        let remedy = fields["remedy"]?.mapping(.remedy)?.remedy() ?? Remedy()
        let lifetime = fields["lifetime"]?.duration(atLeast: .seconds(1))
        let authorities = fields["ca_file"]?.authoritiesPath()
        let membership = fields["membership"]?.membership()
        let oauth = fields["oauth"]?.oauth(allowsPlaintext: allowsPlaintext)
        var parameters = fields["parameters"]?.parameterList() ?? []
        guard let probe, base != nil || fields["base_url"] == nil else { return nil }
        for probe in [probe] + others.values.sorted(by: { $0.path < $1.path }) {
            fields.checkTokenIsSent(with: authorization, in: probe)
        }
        for path in [probe.path] + others.values.map(\.path).sorted() { parameters += path.parameterNames }
        if let membership {
            parameters += membership.path.parameterNames.filter { $0 != "page" } + [membership.parameter]
        }
        parameters += oauth?.delegationPath?.parameterNames.filter { $0 != "user" } ?? []
        for name in Set(parameters).sorted() where ConfigurationSection.token.keys.contains(name) {
            report("parameter {\(name)} has the name of a key that every token has: choose another")
        }
        var provider = Provider(
            name: name,
            baseURL: base?.text(for: probe),
            probe: probe,
            otherProbes: others,
            authorization: authorization,
            lifetime: lifetime,
            limits: limits,
            remedy: remedy,
            certificateAuthorities: authorities,
            allowsPlaintext: allowsPlaintext
        )
        provider.membership = membership
        provider.oauth = oauth
        return ProviderDefinition(provider: provider, parameters: Set(parameters).sorted())
    }

    private func namedProbes() -> [String: ProbeTemplate]? {
        guard let entries = entries("a mapping from names to probes") else { return nil }
        var probes: [String: ProbeTemplate] = [:]
        for entry in entries where entry.value.isName(entry.name, of: "a probe", at: entry.place) {
            guard let fields = entry.value.mapping(.namedProbe) else { continue }
            probes[entry.name] = fields.probe(judgedBy: fields)
        }
        return probes
    }

    private func parameterList() -> [String]? {
        list("a list of parameter names", allowsEmpty: true)?.compactMap { $0.parameterName() }
    }

    /// Checks the name of a token, provider, probe or notifier.
    func isName(_ name: String, of what: String, at place: Place) -> Bool {
        guard TokenName(name) == nil else { return true }
        log.error(
            "\(Wording.shown(name)) is not the name of \(what): up to 100 letters, digits, '.', '_' and '-', "
                + "not beginning with '.' or '-'",
            at: place,
            path: path
        )
        return false
    }

    /// So many in so much time, `100/1m`; `none` for no limit.
    fileprivate func rate() -> Rate? {
        guard let text = text("a rate such as 100/1m, or none"), text != "none" else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), let per = DurationText.parse(parts[1]),
            (1...1_000_000).contains(count), per >= .milliseconds(1)
        else {
            report("\(key) \(Wording.shown(text)) is not a rate: write a number and a duration such as 100/1m, or none")
            return nil
        }
        return Rate(count: count, per: per)
    }
}

extension Fields {
    fileprivate func limits() -> ProviderLimits {
        ProviderLimits(
            rate: self["rate"]?.rate(),
            failedLogins: self["failed_logins"]?.rate(),
            advisedInterval: self["advised_interval"]?.duration(atLeast: .seconds(1))
        )
    }

    /// Whether a request carries the token at all, and its header something secret.
    fileprivate func checkTokenIsSent(with authorization: AuthorizationTemplate, in probe: ProbeTemplate) {
        guard !SecretPlace.token.isIn(authorization.value), !probe.hasTokenInBody else { return }
        (self["auth"] ?? setting).report(
            "nothing in the request holds {token}: put it into the value of auth, or into the form or json of the probe"
        )
    }

    /// How a person repairs it.
    func remedy() -> Remedy {
        Remedy(
            url: self["url"]?.pageAddress(),
            steps: self["steps"]?.texts("a list of sentences") ?? [],
            causes: self["causes"]?.texts("a list of sentences") ?? []
        )
    }
}
