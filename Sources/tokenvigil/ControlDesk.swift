import FoundationEssentials
import TokenHealth
import VigilControl
import VigilEngine
import VigilStorage

/// What comes in over the control socket, done by the parts of the daemon.
struct ControlDesk: ControlActions {
    let watch: TokenWatch
    let reporter: StatusReporter
    let reloader: Reloader
    let stateDirectory: String
    let timekeeper: any Timekeeper
    /// Signalled after everything that may be due earlier than the watch last said.
    let probing: Wakeup

    /// How long an answer waits for a status file that shows what was done; of very many tokens each edition is work.
    private static let patience = Duration.seconds(3)

    func status() async -> StatusDocument {
        await reporter.edition(at: timekeeper.now().wall).document()
    }

    func probe(_ token: String) async throws(ControlRefusal) -> TokenReport {
        defer { probing.signal() }
        do throws(InterventionRefusal) {
            let report = try await watch.probe(token)
            await reporter.show(within: ControlDesk.patience)
            return report
        } catch {
            throw ControlRefusal(error)
        }
    }

    func replaced(
        _ replacement: Replacement
    ) async throws(ControlRefusal) -> ReplacementOutcome {
        defer { probing.signal() }
        do throws(InterventionRefusal) {
            let outcome = try await watch.replaced(replacement)
            await reporter.show(within: ControlDesk.patience)
            return outcome
        } catch {
            throw ControlRefusal(error)
        }
    }

    func acknowledge(_ token: String, by person: String, reason: String) async throws(ControlRefusal) -> [TokenName] {
        do throws(InterventionRefusal) {
            let names = try await watch.acknowledge(token, by: person, reason: reason)
            await reporter.show(within: ControlDesk.patience)
            return names
        } catch {
            throw ControlRefusal(error)
        }
    }

    func silence(
        _ subject: SilenceSubject,
        for length: Duration,
        by person: String,
        reason: String
    ) async throws(ControlRefusal) -> (names: [TokenName], silence: Silence) {
        defer { probing.signal() }
        var names: [String]
        switch subject {
        case .tokens(let tokens): names = tokens
        case .provider(let provider):
            names = await watch.tokens(of: provider)
            if names.isEmpty {
                throw ControlRefusal(404, "no token of a provider called '\(provider.prefix(100))' is watched")
            }
        }
        do throws(InterventionRefusal) {
            let outcome = try await watch.silence(names, for: length, by: person, reason: reason)
            await reporter.show(within: ControlDesk.patience)
            return outcome
        } catch {
            throw ControlRefusal(error)
        }
    }

    func endSilence(of token: String, by person: String) async throws(ControlRefusal) {
        defer { probing.signal() }
        do throws(InterventionRefusal) {
            try await watch.endSilence(of: token, by: person)
            await reporter.show(within: ControlDesk.patience)
        } catch {
            throw ControlRefusal(error)
        }
    }

    func quiet() async -> [QuietToken] { await watch.quiet(at: timekeeper.now().wall) }

    func outbox() async throws(ControlRefusal) -> any Encodable & Sendable {
        do {
            return try HistoryReader(directory: stateDirectory).outbox()
        } catch {
            throw ControlRefusal(503, "\(error)")
        }
    }

    func reload() async throws(ControlRefusal) -> Int {
        defer { probing.signal() }
        do throws(Reloader.Failure) {
            return try await reloader.reload()
        } catch {
            throw ControlRefusal(422, error.message)
        }
    }
}

extension ControlRefusal {
    fileprivate init(_ refusal: InterventionRefusal) {
        switch refusal {
        case .unknownToken, .notSilenced: self.init(404, "\(refusal)")
        case .noIncident: self.init(409, "\(refusal)")
        case .resting(_, let until): self.init(429, "\(refusal)", retryAt: until)
        case .notStored: self.init(503, "\(refusal)")
        }
    }
}
