import TokenHealth

/// Turns files into one validated value, or into the full list of what is wrong.
package enum ConfigurationLoader {
    /// Reads the file at `path` and `conf.d/*.yaml` beside it.
    ///
    /// - Parameters:
    ///   - path: of the main file.
    ///   - templateProblem: what is wrong with a message template, as the end of a sentence.
    /// - Returns: a configuration without a problem.
    /// - Throws: every problem of all the files at once.
    package static func load(
        path: String,
        templateProblem: (TemplateSettings) -> String? = { _ in nil }
    ) throws(ConfigurationErrors) -> Configuration {
        let log = ProblemLog()
        let files = ConfigurationFiles(log: log).merged(path: path)
        let configuration = try configuration(from: files?.root, files: files?.files ?? [], log: log)
        for notifier in configuration.notifiers {
            guard case .webhook(let webhook) = notifier.kind, case .template(let template) = webhook.format,
                let problem = templateProblem(template)
            else { continue }
            let place = files?.root.member("notifiers")?.member(notifier.name)?.member("template")?.place
            let path = "notifiers.\(notifier.name).template"
            let message = "template \(problem)"
            log.error(place.map { Problem(message, at: $0, path: path) } ?? Problem(message, inFile: path))
        }
        guard log.errors.isEmpty else { throw ConfigurationErrors(problems: ProblemLog.ordered(log.errors)) }
        return configuration
    }

    /// Reads one text, as if it were a file without drop-ins.
    ///
    /// - Parameters:
    ///   - text: the whole file.
    ///   - name: the file name that problems carry.
    /// - Returns: a configuration without a problem.
    /// - Throws: every problem at once.
    package static func load(text: String, name: String) throws(ConfigurationErrors) -> Configuration {
        let log = ProblemLog()
        let root = ConfigurationFiles(log: log).tree(text: text, file: name)
        return try configuration(from: root, files: [name], log: log)
    }

    private static func configuration(
        from root: ConfigurationNode?,
        files: [String],
        log: ProblemLog
    ) throws(ConfigurationErrors) -> Configuration {
        let read = root.flatMap { root in
            Setting(node: root, key: "the file", path: "", log: log).mapping(.root)?.configuration()
        }
        guard log.errors.isEmpty, var configuration = read else {
            precondition(!log.errors.isEmpty, "a configuration was refused without a reason")
            throw ConfigurationErrors(problems: ProblemLog.ordered(log.errors))
        }
        configuration.warnings = ProblemLog.ordered(log.warnings)
        configuration.files = files
        return configuration
    }
}

extension Fields {
    /// The whole file; where something is wrong the value is of no use, and the log says why.
    fileprivate func configuration() -> Configuration {
        _ = required("version", "the form of the file, as in version: 1")?.version()
        let notifierEntries = self["notifiers"]?.entries("a mapping from names to notifiers") ?? []
        let notifierNames = notifierEntries.map(\.name).sorted()
        let notifiers = notifierEntries.compactMap { entry in
            entry.value.isName(entry.name, of: "a notifier", at: entry.place)
                ? entry.value.notifier(named: entry.name, beside: notifierNames) : nil
        }
        if notifierEntries.isEmpty {
            setting.log.warning("no notifier is configured: nobody is told when a token dies", at: setting.node.place)
        }
        var habits = HabitSettings()
        if let defaults = self["defaults"]?.mapping(.defaults) { habits.adopt(defaults, notifiers: notifierNames) }
        let surroundings = TokenSurroundings(providers: providers(), notifiers: notifierNames, habits: habits)
        return Configuration(
            tokens: maintained(tokens(in: surroundings)).sorted { $0.name < $1.name },
            notifiers: notifiers.sorted { $0.name < $1.name },
            stateDirectory: self["state"]?.mapping(.state)?["directory"]?.absolutePath()
                ?? Configuration.defaultStateDirectory,
            historyKept: self["history"]?.mapping(.history)?["keep"]?.duration(atLeast: Configuration.shortestHistory)
                ?? Configuration.usualHistory,
            statusFile: self["status"]?.mapping(.status)?["file"]?.absolutePath() ?? Configuration.defaultStatusFile,
            controlSocket: self["control"]?.mapping(.control)?["socket"]?.socketPath(),
            listen: self["listen"]?.listen(),
            metricsFile: self["metrics"]?.mapping(.metrics)?["textfile"]?.absolutePath(),
            heartbeat: self["heartbeat"]?.mapping(.heartbeat)?.heartbeat(),
            drill: self["drill"]?.drill()
        )
    }

    private func providers() -> KnownProviders {
        var providers: [String: ProviderDefinition?] = [:]
        for entry in self["providers"]?.entries("a mapping from names to providers") ?? []
        where entry.value.isName(entry.name, of: "a provider", at: entry.place) {
            var definition = entry.value.provider(named: entry.name)
            // A copy of a built-in description is that description.
            if let builtIn = ProviderCatalog.builtIn.definition(of: entry.name),
                definition?.written(by: builtIn.provider.probe.origin) == builtIn
            {
                definition = builtIn
            }
            providers.updateValue(definition, forKey: entry.name)
        }
        return KnownProviders(own: providers)
    }

    private func tokens(in surroundings: TokenSurroundings) -> [WatchedToken] {
        let purpose = "the tokens to watch, at least one"
        guard let entries = required("tokens", purpose)?.entries("a mapping from names to tokens") else { return [] }
        if entries.isEmpty { self["tokens"]?.report("tokens is empty: expected \(purpose)") }
        // Of many tokens most are alike, and what is alike is kept once.
        var latest: [String: WatchedToken] = [:]
        let tokens = entries.compactMap { entry -> WatchedToken? in
            guard var token = entry.value.token(named: entry.name, at: entry.place, in: surroundings) else {
                return nil
            }
            if let sibling = latest[token.provider.name] { token.share(with: sibling) }
            latest[token.provider.name] = token
            return token
        }
        for warning in HostDemand.demands(of: tokens).compactMap(\.warning).sorted() {
            setting.log.warning(warning, at: self["tokens"]?.node.place ?? setting.node.place, path: "tokens")
        }
        return tokens
    }

    private func heartbeat() -> Heartbeat? {
        let every = self["every"]?.duration(atLeast: .seconds(1)) ?? .seconds(60)
        // While a sign is under way no other is sent, and a minute without a look at the facts counts as sleep.
        let timeout = self["timeout"]?.duration(within: .seconds(1)...(.seconds(30))) ?? .seconds(10)
        let url = required("url", "what to fetch, a URL or {file: PATH} with one")?.secretURL(allowsPlaintext: nil)
        return url.map { Heartbeat(url: $0, every: every, timeout: timeout) }
    }
}
