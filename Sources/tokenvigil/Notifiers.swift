import AsyncHTTPClient
import NIOPosix
import NIOSSL
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilNotifying

/// The configured notifiers, and the HTTP clients they share.
struct Notifiers {
    let byName: [String: any Notifier]
    /// What happens to what each of them does not deliver.
    let rules: [String: NotifierRules]
    /// Who is told regularly that this program does its work, where somebody is.
    let heartbeat: HTTPHeartbeat?
    private let clients: [HTTPClient]

    init(configuration: Configuration, secrets: any SecretReader) {
        var clients: [String?: HTTPClient] = [:]
        var byName: [String: any Notifier] = [:]
        for settings in configuration.notifiers {
            let authorities = settings.kind.certificateAuthorities
            let client = clients[authorities] ?? Notifiers.client(trusting: authorities)
            clients[authorities] = client
            let factory = NotifierFactory(client: client, secrets: secrets, version: Version.text)
            byName[settings.name] = factory.notifier(for: settings.translated)
        }
        heartbeat = configuration.heartbeat.map { heartbeat in
            let client = clients[nil] ?? Notifiers.client(trusting: nil)
            clients[nil] = client
            return HTTPHeartbeat(heartbeat.url.translated, client: client, secrets: secrets, version: Version.text)
        }
        self.byName = byName
        rules = Dictionary(
            uniqueKeysWithValues: configuration.notifiers.map {
                ($0.name, NotifierRules(fallback: $0.fallback, fallbackAfter: $0.fallbackAfter))
            }
        )
        self.clients = Array(clients.values)
    }

    /// A client that trusts the authorities in a PEM file, or the system's.
    private static func client(trusting authorities: String?) -> HTTPClient {
        var configuration = WebhookNotifier.clientConfiguration
        if let authorities {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(authorities)
            configuration.tlsConfiguration = tls
        }
        return HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
            configuration: configuration
        )
    }

    func shutdown() async {
        for client in clients { try? await client.shutdown() }
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
            return .webhook(
                WebhookNotifier.Settings(
                    url: webhook.url.translated,
                    format: webhook.format.translated(forReceiver: name),
                    signingSecret: webhook.signingSecret,
                    allowsPlaintext: webhook.allowsPlaintext
                )
            )
        case .alertmanager(let alertmanager):
            return .alertmanager(
                AlertmanagerNotifier.Settings(
                    peers: alertmanager.urls.map(\.translated),
                    accessToken: alertmanager.accessToken,
                    allowsPlaintext: alertmanager.allowsPlaintext
                )
            )
        case .sendmail(let mail):
            return .sendmail(mail.translated)
        case .journald:
            return .journal
        case .command(let argv):
            return .command(CommandNotifier.Settings(argv: argv))
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
