package import FoundationEssentials
package import TokenHealth
package import VigilEngine

/// What people can have the running daemon do.
///
/// Contract: a call that throws has changed nothing.
package protocol ControlActions: Sendable {
    func status() async -> StatusDocument
    func probe(_ token: String) async throws(ControlRefusal) -> TokenReport
    /// Records that a person has replaced a secret, and asks about the new one.
    func replaced(
        _ replacement: Replacement
    ) async throws(ControlRefusal) -> ReplacementOutcome
    /// - Returns: the tokens of the incident.
    func acknowledge(_ token: String, by person: String, reason: String) async throws(ControlRefusal) -> [TokenName]
    /// - Returns: the tokens, and the end.
    func silence(
        _ subject: SilenceSubject,
        for length: Duration,
        by person: String,
        reason: String
    ) async throws(ControlRefusal) -> (names: [TokenName], silence: Silence)
    func endSilence(of token: String, by person: String) async throws(ControlRefusal)
    func quiet() async -> [QuietToken]
    /// Everything in the outbox that has not been delivered.
    func outbox() async throws(ControlRefusal) -> any Encodable & Sendable
    /// Reads the configuration again.
    ///
    /// - Returns: how many tokens are watched now.
    func reload() async throws(ControlRefusal) -> Int
}

/// What is to be silenced.
package enum SilenceSubject: Sendable, Hashable {
    case tokens([String])
    case provider(String)
}

/// Why a command is refused: a status of HTTP, and a sentence.
package struct ControlRefusal: Error, Sendable, Hashable {
    package let status: Int
    package let message: String
    /// When to ask again.
    package var retryAt: Date?
    /// The methods that are taken instead, as RFC 9110, section 15.5.6 wants them told.
    package var allowed: [String] = []

    package init(_ status: Int, _ message: String, retryAt: Date? = nil, allowed: [String] = []) {
        self.status = status
        self.message = message
        self.retryAt = retryAt
        self.allowed = allowed
    }
}
