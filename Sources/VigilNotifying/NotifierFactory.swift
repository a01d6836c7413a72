package import VigilEngine
package import VigilHTTPClient
import VigilSystemd

/// A notifier as the configuration describes it.
///
/// A new kind of notifier has its own file, a case here and a line in ``NotifierFactory/notifier(for:)``.
package enum NotifierSettings: Sendable, Hashable {
    case webhook(WebhookNotifier.Settings)
    case alertmanager(AlertmanagerNotifier.Settings)
    case sendmail(SendmailNotifier.Settings)
    case journal
    case command(CommandNotifier.Settings)
}

/// Makes notifiers from their settings and from what they share.
package struct NotifierFactory: Sendable {
    private let client: HTTPClient
    private let secrets: any SecretReader
    private let journal: any JournalWriter
    private let version: String

    /// Takes what notifiers share.
    ///
    /// - Parameters:
    ///   - client: whoever makes it shuts it down.
    ///   - secrets: reads webhook addresses and signing keys.
    ///   - version: of this program.
    ///   - journal: where journal entries go.
    package init(
        client: HTTPClient,
        secrets: any SecretReader,
        version: String,
        journal: any JournalWriter = Journal()
    ) {
        self.client = client
        self.secrets = secrets
        self.version = version
        self.journal = journal
    }

    /// The notifier that `settings` describe.
    package func notifier(for settings: NotifierSettings) -> any Notifier {
        switch settings {
        case .webhook(let settings): WebhookNotifier(settings, client: client, secrets: secrets, version: version)
        case .alertmanager(let settings):
            AlertmanagerNotifier(settings, client: client, secrets: secrets, version: version)
        case .sendmail(let settings): SendmailNotifier(settings)
        case .journal: JournalNotifier(journal: journal)
        case .command(let settings): CommandNotifier(settings)
        }
    }
}
