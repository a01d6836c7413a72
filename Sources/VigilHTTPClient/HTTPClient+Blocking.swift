import CCurl
import TokenHealth

extension HTTPClient {
    /// Makes one exchange on this thread, which it blocks, and on a connection of its own: for commands that ask once.
    ///
    /// No proxy is used.
    package static func exchange(_ request: HTTPRequest) -> HTTPReply {
        let start = ContinuousClock.now
        func reply(_ outcome: HTTPReply.Outcome) -> HTTPReply {
            HTTPReply(index: 0, outcome: outcome, latency: ContinuousClock.now - start)
        }
        let guardian = FloodGuard()
        guard HTTPClient.library, let transfer = Transfer(guardian: guardian) else {
            return reply(.failed(TransferLoop.noMemory))
        }
        defer { transfer.close() }
        let job = TransferJob(
            index: 0,
            request: request,
            destination: Destination(request, proxies: ProxyEnvironment([:])),
            submittedAt: start,
            batch: TransferBatch { _ in }
        )
        do throws(TransportFailure) {
            try transfer.begin(
                job,
                isFresh: true,
                isByHTTP1: false,
                addresses: .leftToLibcurl,
                certificates: CertificateFiles(),
                at: start
            )
        } catch {
            return reply(.failed(error))
        }
        return withExtendedLifetime(guardian) { reply(transfer.outcome(unsafe curl_easy_perform(transfer.easy))) }
    }
}
