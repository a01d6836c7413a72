import TokenHealth

/// How a token is watched, unless it says otherwise itself: the mapping `defaults`.
struct HabitSettings: Sendable, Hashable {
    /// But for ``notify``, which is filled in at the token.
    var watch = WatchHabits()
    /// Where the interval was written; `nil` for the one compiled in.
    var intervalPlace: Place?
    /// Names of notifiers; `nil` for all that are configured.
    var notify: [String]?

    /// Takes over what `fields`, `defaults` or a token, say.
    ///
    /// - Parameters:
    ///   - fields: of a section that has these keys.
    ///   - notifiers: the names that `notify` may hold.
    mutating func adopt(_ fields: Fields, notifiers: [String]) {
        if let setting = fields["interval"], let value = setting.duration(atLeast: .seconds(1)) {
            watch.interval = value
            intervalPlace = setting.node.place
        }
        watch.timeout = fields["timeout"]?.duration(atLeast: .milliseconds(100)) ?? watch.timeout
        watch.confirmation = fields["confirm"]?.confirmation(startingFrom: watch.confirmation) ?? watch.confirmation
        watch.blindAfter = fields["blind_after"]?.duration(atLeast: .seconds(1)) ?? watch.blindAfter
        watch.groupWait = fields["group_wait"]?.duration(atLeast: .zero) ?? watch.groupWait
        watch.providerGrace = fields["provider_grace"]?.duration(atLeast: .zero) ?? watch.providerGrace
        watch.remind = fields["remind"]?.durations() ?? watch.remind
        watch.expirySteps = fields["expiry_steps"]?.durations()?.sorted(by: >) ?? watch.expirySteps
        notify = fields["notify"]?.names(of: notifiers, "notify is empty: nobody is told") ?? notify
        watch.escalate = fields["escalate"]?.names(of: notifiers) ?? watch.escalate
        watch.escalateAfter = fields["escalate_after"]?.duration(atLeast: .seconds(1)) ?? watch.escalateAfter
    }
}

extension Setting {
    fileprivate func confirmation(startingFrom base: Confirmation) -> Confirmation? {
        guard let fields = mapping(.confirm) else { return nil }
        return Confirmation(
            rejections: fields["rejections"]?.number(in: 1...100) ?? base.rejections,
            over: fields["over"]?.duration(atLeast: .zero) ?? base.over
        )
    }

    /// A list of durations; none at all is allowed, and switches the thing off.
    fileprivate func durations() -> [Duration]? {
        list("a list of durations", allowsEmpty: true)?.compactMap { $0.duration(atLeast: .seconds(1)) }
    }

    /// A list of notifiers, each of which must be configured.
    ///
    /// `warning`: said of an empty list.
    fileprivate func names(of notifiers: [String], _ warning: String? = nil) -> [String]? {
        guard let elements = list("a list of notifiers", allowsEmpty: true) else { return nil }
        if elements.isEmpty, let warning { log.warning(warning, at: node.place, path: path) }
        var names: [String] = []
        for element in elements {
            guard let name = element.notifierName(among: notifiers) else { continue }
            if names.contains(name) {
                element.report("notifier \(Wording.shown(name)) is listed twice")
            } else {
                names.append(name)
            }
        }
        return names
    }

    /// The name of one that is configured.
    func notifierName(among notifiers: [String]) -> String? {
        guard let name = text("the name of a notifier") else { return nil }
        guard notifiers.contains(name) else {
            let none = notifiers.isEmpty ? "; none is configured under notifiers" : ""
            report("unknown notifier \(Wording.shown(name))\(Wording.suggestion(for: name, in: notifiers))\(none)")
            return nil
        }
        return name
    }
}
