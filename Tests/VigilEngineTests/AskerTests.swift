import Synchronization
import TokenHealth
import Testing
import VigilEngine

/// Tokens about which another credential asks.
struct AskerTests {
    /// Answers every request alike and keeps what it was given.
    private final class RecordingProber: Prober {
        private let kept = Mutex<[ProbeRequest]>([])

        var requests: [ProbeRequest] { kept.withLock { $0 } }

        func exchange(_ request: ProbeRequest) async -> Exchange {
            kept.withLock { $0.append(request) }
            return request.secret == nil ? Reply.status(400) : Reply.accepted
        }
    }

    /// Has the secrets of some sources.
    private struct NamedSecretReader: SecretReader {
        let values: [SecretSource: String]

        func secret(from source: SecretSource) async throws(SecretProblem) -> Secret {
            guard let value = values[source] else { throw .missing(source: source.description) }
            return try SecretLint.secret(in: Array(value.utf8), source: source.description)
        }
    }

    private let asker = SecretSource.credential(name: "asker")

    private func sight(of values: [SecretSource: String], by prober: RecordingProber) async -> TokenObserver.Sight {
        var token = Sample.token()
        token.asker = asker
        let timekeeper = ManualTimekeeper()
        let observer = TokenObserver(
            prober: prober,
            secrets: NamedSecretReader(values: values.merging([token.secret: "first"]) { first, _ in first }),
            fingerprinter: PlainFingerprinter(),
            timekeeper: timekeeper
        )
        return await observer.sight(of: token, belief: Belief(at: timekeeper.now().wall))
    }

    @Test func `it is read anew and goes along with the request and with the control`() async throws {
        let prober = RecordingProber()
        let sight = await sight(of: [asker: "client:s3cr3t"], by: prober)
        let secret = try SecretLint.secret(in: "client:s3cr3t".utf8, source: "test")
        #expect(prober.requests.map(\.asker) == [secret, secret])
        #expect(prober.requests.map { $0.secret == nil } == [false, true])
        #expect(sight.observation?.fingerprint?.text == "k1:first")
    }

    @Test func `nothing is sent while it cannot be read, and the finding names it`() async {
        let prober = RecordingProber()
        let sight = await sight(of: [:], by: prober)
        #expect(prober.requests.isEmpty)
        #expect(sight.observation?.finding.verdict == .misconfigured(.secret(.missing(source: "credential asker"))))
    }
}
