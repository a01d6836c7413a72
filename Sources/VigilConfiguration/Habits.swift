import TokenHealth

/// How a token is watched, unless it says otherwise itself: the mapping `defaults`.
struct Habits: Sendable, Hashable {
    var interval: Duration = .seconds(60)
    /// Where the interval was written; `nil` for the one compiled in.
    var intervalPlace: Place?
    var timeout: Duration = .seconds(10)
    var confirmation = Confirmation()
    var blindAfter: Duration = .seconds(15 * 60)
    var groupWait: Duration = .seconds(10)
    var providerGrace: Duration = .seconds(10 * 60)
    var remind: [Duration] = [.seconds(3600), .seconds(4 * 3600), .seconds(86_400)]
    /// Longest first.
    var expirySteps: [Duration] = [30, 14, 7, 3, 1].map { .seconds($0 * 86_400) }
    /// Names of notifiers that are told of what nobody acknowledges.
    var escalate: [String] = []
    var escalateAfter: Duration = .seconds(30 * 60)
    /// Names of notifiers; `nil` for all that are configured.
    var notify: [String]?

    /// Takes over what `fields`, `defaults` or a token, say.
    ///
    /// - Parameters:
    ///   - fields: of a section that has these keys.
    ///   - notifiers: the names that `notify` may hold.
    mutating func adopt(_ fields: Fields, notifiers: [String]) {
        if let setting = fields["interval"], let value = setting.duration(atLeast: .seconds(1)) {
            interval = value
            intervalPlace = setting.node.place
        }
        timeout = fields["timeout"]?.duration(atLeast: .milliseconds(100)) ?? timeout
        confirmation = fields["confirm"]?.confirmation(startingFrom: confirmation) ?? confirmation
        blindAfter = fields["blind_after"]?.duration(atLeast: .seconds(1)) ?? blindAfter
        groupWait = fields["group_wait"]?.duration(atLeast: .zero) ?? groupWait
        providerGrace = fields["provider_grace"]?.duration(atLeast: .zero) ?? providerGrace
        remind = fields["remind"]?.durations() ?? remind
        expirySteps = fields["expiry_steps"]?.durations()?.sorted(by: >) ?? expirySteps
        notify = fields["notify"]?.names(of: notifiers, "notify is empty: nobody is told") ?? notify
        escalate = fields["escalate"]?.names(of: notifiers) ?? escalate
        escalateAfter = fields["escalate_after"]?.duration(atLeast: .seconds(1)) ?? escalateAfter
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
