package import TokenHealth

/// One way to tell people, as configured.
package struct NotifierSettings: Sendable, Hashable {
    /// The name that `notify` uses.
    package let name: String
    package let kind: Kind

    package init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }

    /// How people are told.
    package enum Kind: Sendable, Hashable {
        case webhook(WebhookSettings)
        case sendmail(SendmailSettings)
        /// The systemd journal.
        case journald
        /// A program that reads the alert on its standard input; an absolute path first.
        case command(argv: [String])
    }
}

/// What a webhook's body looks like.
package enum WebhookFormat: String, Sendable, Hashable, CaseIterable {
    case standard, alertmanager, slack, discord, teams, pagerduty, ntfy, cloudevents, template

    /// Whether this version can write it.
    package var isAvailable: Bool { self == .standard }
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
        ("webhook", .webhook), ("sendmail", .sendmail), ("journald", .journald), ("command", .command),
    ]

    /// One notifier; its `type` says which other keys it has.
    func notifier(named name: String) -> NotifierSettings? {
        let types = Setting.notifierTypes.map(\.name)
        guard let entries = entries("a mapping with type: \(Wording.choice(types))") else { return nil }
        guard let setting = entries.first(where: { $0.name == "type" })?.value else {
            report("type is missing: \(Wording.choice(types))")
            return nil
        }
        guard let type = setting.text(Wording.choice(types)) else { return nil }
        guard let section = Setting.notifierTypes.first(where: { $0.name == type })?.section else {
            setting.report("unknown notifier type \(Wording.shown(type))\(Wording.suggestion(for: type, in: types))")
            return nil
        }
        guard let fields = mapping(section) else { return nil }
        let kind: NotifierSettings.Kind? =
            switch section {
            case .webhook: fields.webhook().map { .webhook($0) }
            case .sendmail: fields.sendmail().map { .sendmail($0) }
            case .command: fields.required("argv", "the program to run")?.argv().map { .command(argv: $0) }
            default: .journald
            }
        return kind.map { NotifierSettings(name: name, kind: $0) }
    }

    fileprivate func format() -> WebhookFormat? {
        let available = WebhookFormat.allCases.filter(\.isAvailable).map(\.rawValue)
        guard let text = text(Wording.choice(available)) else { return nil }
        guard let format = WebhookFormat(rawValue: text) else {
            report("unknown format \(Wording.shown(text))\(Wording.suggestion(for: text, in: available))")
            return nil
        }
        guard format.isAvailable else {
            report("format '\(text)' is not available in this version: use \(Wording.choice(available))")
            return nil
        }
        return format
    }

    fileprivate func mailAddress() -> String? {
        guard let address = text("a mail address") else { return nil }
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        let special = "<>,;:\"()[]\\".unicodeScalars
        let isPlain = !address.unicodeScalars.contains { $0.properties.isWhitespace || special.contains($0) }
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), isPlain, !address.hasPrefix("-"),
            address.utf8.count <= 254
        else {
            let form = "write it as name@example.com, nothing around it"
            report("\(key) \(Wording.shown(address)) is not a mail address: \(form)")
            return nil
        }
        return address
    }
}

extension Fields {
    fileprivate func webhook() -> WebhookSettings? {
        let allowsPlaintext = self["allow_plaintext"]?.flag() ?? false
        let url = required("url", "where to post, a URL or {file: PATH} with one")?
            .secretURL(allowsPlaintext: allowsPlaintext)
        let format = self["format"]?.format() ?? .standard
        let signingSecret = self["signing_secret"]?.secretSource()
        let authorities = self["ca_file"]?.absolutePath()
        return url.map { url in
            WebhookSettings(
                url: url,
                format: format,
                signingSecret: signingSecret,
                certificateAuthorities: authorities,
                allowsPlaintext: allowsPlaintext
            )
        }
    }

    fileprivate func sendmail() -> SendmailSettings? {
        let from = required("from", "the address mail comes from")?.mailAddress()
        let to = required("to", "the addresses mail goes to")?.list("a list of mail addresses")?
            .compactMap { $0.mailAddress() }
        let path = self["sendmail"]?.absolutePath() ?? "/usr/sbin/sendmail"
        guard let from, let to else { return nil }
        return SendmailSettings(from: from, to: to, path: path)
    }
}
