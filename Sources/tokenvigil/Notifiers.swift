import FoundationEssentials
import Synchronization
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilHTTPClient
import VigilNotifying
import VigilPlatform

/// The configured notifiers, and the HTTP client they share.
///
/// A reload keeps those whose settings are the same: one that remembers what it has said goes on remembering.
final class Notifiers: Sendable {
    private struct Made {
        let settings: VigilConfiguration.NotifierSettings
        let trust: Trust
        let notifier: any Notifier
    }

    /// Whom a client trusts: the authorities of a file as it was when it was read, or the system's.
    private struct Trust: Hashable {
        var path: String?
        var contents: [UInt8]?

        init(_ path: String?) {
            self.path = path
            contents = path.flatMap { try? RegularFile.contents(of: $0, atMost: 1 << 24) }
        }
    }

    private let client: HTTPClient
    private let secrets: any SecretReader
    private let made = Mutex<[String: Made]>([:])

    /// - Parameters:
    ///   - configuration: which notifiers.
    ///   - client: not the one of the probes: no flood of theirs may delay an alert. Whoever makes it shuts it down.
    ///   - secrets: reads addresses and keys.
    init(configuration: Configuration, client: HTTPClient, secrets: any SecretReader) {
        self.client = client
        self.secrets = secrets
        adopt(configuration)
    }

    var byName: [String: any Notifier] { made.withLock { $0.mapValues(\.notifier) } }

    /// The notifiers with what happens to what each of them does not deliver.
    var members: [String: NotifierRoster.Member] {
        made.withLock { made in
            made.mapValues {
                let rules = NotifierRules(fallback: $0.settings.fallback, fallbackAfter: $0.settings.fallbackAfter)
                return NotifierRoster.Member($0.notifier, rules: rules)
            }
        }
    }

    /// Makes the notifiers of `configuration`.
    ///
    /// - Returns: the names of those that are new, or others than before.
    @discardableResult
    func adopt(_ configuration: Configuration) -> [String] {
        made.withLock { made -> [String] in
            let factory = NotifierFactory(client: client, secrets: secrets, version: Version.text)
            var (next, changed): ([String: Made], [String]) = ([:], [])
            for settings in configuration.notifiers {
                let trust = Trust(settings.kind.certificateAuthorities)
                if let known = made[settings.name], known.settings == settings, known.trust == trust {
                    next[settings.name] = known
                    continue
                }
                let notifier = factory.notifier(for: settings.translated)
                next[settings.name] = Made(settings: settings, trust: trust, notifier: notifier)
                changed.append(settings.name)
            }
            made = next
            return changed
        }
    }

    /// Who is told regularly that this program does its work, where somebody is.
    func heartbeat(_ configuration: Configuration) -> HTTPHeartbeat? {
        configuration.heartbeat.map { heartbeat in
            HTTPHeartbeat(
                heartbeat.url.translated,
                client: client,
                secrets: secrets,
                version: Version.text,
                timeLimit: heartbeat.timeout
            )
        }
    }
}

extension VigilConfiguration.NotifierSettings.Kind {
    /// PEM file with the authorities to trust instead of the system's.
    fileprivate var certificateAuthorities: String? {
        switch self {
        case .webhook(let webhook): webhook.certificateAuthorities
        case .alertmanager(let alertmanager): alertmanager.certificateAuthorities
        case .sendmail, .journald, .command: nil
        }
    }
}

extension VigilConfiguration.NotifierSettings {
    /// The same settings as the notifying module takes them: the two modules do not know each other.
    fileprivate var translated: VigilNotifying.NotifierSettings {
        switch kind {
        case .webhook(let webhook):
            var settings = WebhookNotifier.Settings(
                url: webhook.url.translated,
                format: webhook.format.translated(forReceiver: name),
                signingSecret: webhook.signingSecret,
                allowsPlaintext: webhook.allowsPlaintext,
                certificateAuthorities: webhook.certificateAuthorities
            )
            settings.timeLimit = timeout
            return .webhook(settings)
        case .alertmanager(let alertmanager):
            var settings = AlertmanagerNotifier.Settings(
                peers: alertmanager.urls.map(\.translated),
                accessToken: alertmanager.accessToken,
                allowsPlaintext: alertmanager.allowsPlaintext,
                certificateAuthorities: alertmanager.certificateAuthorities
            )
            settings.timeLimit = timeout
            return .alertmanager(settings)
        case .sendmail(let mail):
            var settings = mail.translated
            settings.timeLimit = timeout
            return .sendmail(settings)
        case .journald:
            return .journal
        case .command(let argv):
            var settings = CommandNotifier.Settings(argv: argv)
            settings.timeLimit = timeout
            return .command(settings)
        }
    }
}

extension SecretOrLiteral {
    fileprivate var translated: WebhookNotifier.Settings.Address {
        switch self {
        case .literal(let text): .literal(text)
        case .source(let source): .secret(source)
        }
    }
}

extension WebhookFormat {
    fileprivate func translated(forReceiver name: String) -> WebhookNotifier.Settings.Format {
        switch self {
        case .standard: .standard
        case .alertmanager: .alertmanager(receiver: name)
        case .slack: .slack
        case .discord: .discord
        case .teams: .teams
        case .cloudevents: .cloudEvents
        case .pagerduty(let routingKey): .pagerDuty(routingKey: routingKey)
        case .ntfy(let accessToken): .ntfy(accessToken: accessToken)
        case .template(let template): .template(template.translated)
        }
    }
}

extension TemplateSettings {
    fileprivate var translated: MessageTemplate { MessageTemplate(path: path, contentType: contentType) }

    /// What is wrong with the template, as the end of a sentence.
    var problem: String? { translated.problem }
}

extension SendmailSettings {
    /// The same settings as the notifying module takes them, by the mail helper where there is one.
    var translated: SendmailNotifier.Settings {
        SendmailNotifier.Settings(from: from, to: to, sendmail: path, helper: MailErrand.socketPath)
    }
}
