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
    private let clients: [HTTPClient]

    init(configuration: Configuration, secrets: any SecretReader) {
        var clients: [String?: HTTPClient] = [:]
        var byName: [String: any Notifier] = [:]
        for settings in configuration.notifiers {
            var authorities: String?
            if case .webhook(let webhook) = settings.kind { authorities = webhook.certificateAuthorities }
            let client = clients[authorities] ?? Notifiers.client(trusting: authorities)
            clients[authorities] = client
            let factory = NotifierFactory(client: client, secrets: secrets, version: Version.text)
            byName[settings.name] = factory.notifier(for: settings.kind.translated)
        }
        self.byName = byName
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
    /// The same settings as the notifying module takes them: the two modules do not know each other.
    fileprivate var translated: VigilNotifying.NotifierSettings {
        switch self {
        case .webhook(let webhook):
            let url: WebhookNotifier.Settings.Address =
                switch webhook.url {
                case .literal(let text): .literal(text)
                case .source(let source): .secret(source)
                }
            return .webhook(
                WebhookNotifier.Settings(
                    url: url,
                    signingSecret: webhook.signingSecret,
                    allowsPlaintext: webhook.allowsPlaintext
                )
            )
        case .sendmail(let mail):
            return .sendmail(SendmailNotifier.Settings(from: mail.from, to: mail.to, sendmail: mail.path))
        case .journald:
            return .journal
        case .command(let argv):
            return .command(CommandNotifier.Settings(argv: argv))
        }
    }
}
