package import TokenHealth

/// One way to tell people, as configured.
package struct NotifierSettings: Sendable, Hashable {
    /// The name that `notify` uses.
    package let name: String
    package let kind: Kind
    /// The notifier that gets what this one does not deliver.
    package var fallback: String?
    /// How long an alert may wait here before the fallback gets it, too.
    package var fallbackAfter: Duration
    /// How long one attempt may take.
    package var timeout: Duration

    /// What `timeout` may be.
    static let timeouts = Duration.seconds(1)...Duration.seconds(120)

    package init(
        name: String,
        kind: Kind,
        fallback: String? = nil,
        fallbackAfter: Duration = .seconds(900),
        timeout: Duration? = nil
    ) {
        self.timeout = timeout ?? kind.usualTimeout
        self.name = name
        self.kind = kind
        self.fallback = fallback
        self.fallbackAfter = fallbackAfter
    }

    /// How people are told.
    package enum Kind: Sendable, Hashable {
        case webhook(WebhookSettings)
        case alertmanager(AlertmanagerSettings)
        case sendmail(SendmailSettings)
        /// The systemd journal.
        case journald
        /// A program that reads the alert on its standard input; an absolute path first.
        case command(argv: [String])

        /// A receiver of webhooks is given long: one that has taken the alert and is given up gets it again.
        fileprivate var usualTimeout: Duration {
            switch self {
            case .webhook: .seconds(30)
            case .alertmanager, .journald: .seconds(10)
            case .sendmail, .command: .seconds(60)
            }
        }
    }
}

/// What a webhook's body looks like.
package enum WebhookFormat: Sendable, Hashable {
    case standard, alertmanager, slack, discord, teams, cloudevents
    /// With the key of the service in PagerDuty.
    case pagerduty(routingKey: SecretSource)
    /// With the token of an account, where the topic is protected.
    case ntfy(accessToken: SecretSource?)
    case template(TemplateSettings)

    /// The names that `format` takes.
    static let names = [
        "standard", "alertmanager", "slack", "discord", "teams", "pagerduty", "ntfy", "cloudevents", "template",
    ]
}

/// A Mustache template of the administrator's own.
package struct TemplateSettings: Sendable, Hashable {
    /// Absolute path.
    package let path: String
    /// Of what it makes; JSON unless another is named.
    package let contentType: String

    package init(path: String, contentType: String = "application/json") {
        self.path = path
        self.contentType = contentType
    }
}

/// Where an alert is posted.
package struct WebhookSettings: Sendable, Hashable {
    package let url: SecretOrLiteral
    package let format: WebhookFormat
    /// Key of the signature; unsigned without one.
    package let signingSecret: SecretSource?
    /// PEM file with the authorities to trust instead of the system's.
    package let certificateAuthorities: String?
    /// Whether plain `http` to another host is accepted.
    ///
    /// A literal URL has been checked already; one from a secret source is known only when it is read.
    package let allowsPlaintext: Bool

    package init(
        url: SecretOrLiteral,
        format: WebhookFormat = .standard,
        signingSecret: SecretSource? = nil,
        certificateAuthorities: String? = nil,
        allowsPlaintext: Bool = false
    ) {
        self.url = url
        self.format = format
        self.signingSecret = signingSecret
        self.certificateAuthorities = certificateAuthorities
        self.allowsPlaintext = allowsPlaintext
    }
}

/// The peers of an Alertmanager cluster.
package struct AlertmanagerSettings: Sendable, Hashable {
    /// At least one.
    package let urls: [SecretOrLiteral]
    /// For a proxy in front of it that asks for one.
    package let accessToken: SecretSource?
    /// PEM file with the authorities to trust instead of the system's.
    package let certificateAuthorities: String?
    /// As for a webhook.
    package let allowsPlaintext: Bool

    package init(
        urls: [SecretOrLiteral],
        accessToken: SecretSource? = nil,
        certificateAuthorities: String? = nil,
        allowsPlaintext: Bool = false
    ) {
        self.urls = urls
        self.accessToken = accessToken
        self.certificateAuthorities = certificateAuthorities
        self.allowsPlaintext = allowsPlaintext
    }
}

/// Who writes mail to whom, and the program that takes it.
package struct SendmailSettings: Sendable, Hashable {
    package let from: String
    /// At least one.
    package let to: [String]
    /// Absolute path.
    package let path: String

    package init(from: String, to: [String], path: String = "/usr/sbin/sendmail") {
        self.from = from
        self.to = to
        self.path = path
    }
}

extension Setting {
    private static let notifierTypes: [(name: String, section: ConfigurationSection)] = [
        ("webhook", .webhook), ("alertmanager", .alertmanager), ("sendmail", .sendmail), ("journald", .journald),
        ("command", .command),
    ]

    /// One notifier; its `type` says which other keys it has.
    ///
    /// `others`: the names that its fallback may have.
    func notifier(named name: String, beside others: [String]) -> NotifierSettings? {
        let types = Setting.notifierTypes.map(\.name)
        guard let entries = entries("a mapping with type: \(Wording.choice(types))") else { return nil }
        guard let setting = entries.first(where: { $0.name == "type" })?.value else {
            report("type is missing: \(Wording.choice(types))")
            return nil
        }
        guard let type = setting.text(Wording.choice(types)) else { return nil }
        guard let section = Setting.notifierTypes.first(where: { $0.name == type })?.section else {
            let suggestion = Wording.guess(atNotifierType: type) ?? Wording.suggestion(for: type, in: types)
            setting.report("unknown notifier type \(Wording.shown(type))\(suggestion)")
            return nil
        }
        guard let fields = mapping(section) else { return nil }
        let kind: NotifierSettings.Kind? =
            switch section {
            case .webhook: fields.webhook().map { .webhook($0) }
            case .alertmanager: fields.alertmanager().map { .alertmanager($0) }
            case .sendmail: fields.sendmail().map { .sendmail($0) }
            case .command: fields.required("argv", "the program to run")?.argv().map { .command(argv: $0) }
            default: .journald
            }
        let fallback = fields["fallback"]?.notifierName(among: others)
        if fallback == name { fields["fallback"]?.report("a notifier cannot be its own fallback") }
        let after = fields["fallback_after"]?.duration(atLeast: .seconds(1)) ?? .seconds(900)
        let timeout =
            section.keys.contains("timeout") ? fields["timeout"]?.duration(within: NotifierSettings.timeouts) : nil
        return kind.map {
            NotifierSettings(name: name, kind: $0, fallback: fallback, fallbackAfter: after, timeout: timeout)
        }
    }

    /// The name of a format that there is.
    fileprivate func formatName() -> String? {
        guard let name = text(Wording.choice(WebhookFormat.names)) else { return nil }
        guard WebhookFormat.names.contains(name) else {
            report("unknown format \(Wording.shown(name))\(Wording.suggestion(for: name, in: WebhookFormat.names))")
            return nil
        }
        return name
    }

    /// A media type, RFC 9110 section 8.3.1, with or without parameters.
    fileprivate func mediaType() -> String? {
        guard let type = text("a media type") else { return nil }
        let parts = type.prefix { $0 != ";" }.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = type.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && !$0.contains(" ") }), isPlain else {
            report("\(key) \(Wording.shown(type)) is not a media type: write it as application/json")
            return nil
        }
        return type
    }

    /// - `isLocalTaken`: whether the name of somebody on this host will do, as in `root`.
    fileprivate func mailAddress(isLocalTaken: Bool) -> String? {
        guard let address = text("a mail address") else { return nil }
        guard MailAddress(address) != nil, isLocalTaken || address.contains("@") else {
            let form =
                address.utf8.allSatisfy { $0 < 0x80 }
                ? "write it as name@example.com, nothing around it"
                : "mail programs take ASCII alone: write a domain in its xn-- form"
            report("\(key) \(Wording.shown(address)) is not a mail address: \(form)")
            return nil
        }
        return address
    }
}

extension Fields {
    fileprivate func webhook() -> WebhookSettings? {
        let allowsPlaintext = self["allow_plaintext"]?.flag() ?? false
        let name: String? = if let setting = self["format"] { setting.formatName() } else { "standard" }
        let format = name.flatMap { self.format(named: $0) }
        let signingSecret = self["signing_secret"]?.secretSource()
        let authorities = self["ca_file"]?.authoritiesPath()
        // Everybody's events go to the same address.
        let usual: SecretOrLiteral? =
            self["url"] == nil && name == "pagerduty" ? .literal("https://events.pagerduty.com/v2/enqueue") : nil
        let purpose = "where to post, a URL or {file: PATH} with one"
        let url = usual ?? required("url", purpose)?.secretURL(allowsPlaintext: allowsPlaintext)
        guard let url, let format else { return nil }
        if case .ntfy = format, case .literal(let address) = url, NtfyTopic(address: address) == nil {
            let form = "letters, digits, - and _, at most 64, as in https://ntfy.example.com/alerts"
            self["url"]?.report("url does not end with a topic of ntfy: \(form)")
        }
        return WebhookSettings(
            url: url,
            format: format,
            signingSecret: signingSecret,
            certificateAuthorities: authorities,
            allowsPlaintext: allowsPlaintext
        )
    }

    /// The format, with the keys that belong to it; those of other formats are reported.
    private func format(named name: String) -> WebhookFormat? {
        let owners = [
            "routing_key": "pagerduty", "access_token": "ntfy", "template": "template", "content_type": "template",
        ]
        for (key, owner) in owners where owner != name {
            self[key]?.report("\(key) has no meaning here: it belongs to format: \(owner)")
        }
        switch name {
        case "alertmanager": return .alertmanager
        case "slack": return .slack
        case "discord": return .discord
        case "teams": return .teams
        case "cloudevents": return .cloudevents
        case "pagerduty":
            return required("routing_key", "the integration key of the service, from a secret source")?.secretSource()
                .map { .pagerduty(routingKey: $0) }
        case "ntfy":
            return .ntfy(accessToken: self["access_token"]?.secretSource())
        case "template":
            let type: String? =
                if let setting = self["content_type"] { setting.mediaType() } else { "application/json" }
            let path = required("template", "the Mustache file that makes the message")?.absolutePath()
            guard let path, let type else { return nil }
            return .template(TemplateSettings(path: path, contentType: type))
        default: return .standard
        }
    }

    fileprivate func alertmanager() -> AlertmanagerSettings? {
        let allowsPlaintext = self["allow_plaintext"]?.flag() ?? false
        let urls = required("urls", "the addresses of the Alertmanagers, all of one cluster")?
            .list("a list of URLs")?.compactMap { $0.secretURL(allowsPlaintext: allowsPlaintext) }
        let accessToken = self["access_token"]?.secretSource()
        let authorities = self["ca_file"]?.authoritiesPath()
        return urls.map { urls in
            AlertmanagerSettings(
                urls: urls,
                accessToken: accessToken,
                certificateAuthorities: authorities,
                allowsPlaintext: allowsPlaintext
            )
        }
    }

    fileprivate func sendmail() -> SendmailSettings? {
        let from = required("from", "the address mail comes from")?
            .mailAddress(isLocalTaken: false)
        let to = required("to", "the addresses mail goes to")?.list("a list of mail addresses")?
            .compactMap { $0.mailAddress(isLocalTaken: true) }
        let path = self["sendmail"]?.absolutePath() ?? "/usr/sbin/sendmail"
        guard let from, let to else { return nil }
        return SendmailSettings(from: from, to: to, path: path)
    }
}
