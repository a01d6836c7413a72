import CCurl
import Glibc
import Synchronization
import TokenHealth

/// The thread on which every transfer of a client is made, and what only that thread touches.
@safe final class TransferLoop {
    private let mailbox: TransferMailbox
    private let multi: UnsafeMutableRawPointer
    private let certificates = CertificateFiles()
    /// Handles that may be used again.
    private var idle: [Transfer] = []
    private var running: [ObjectIdentifier: Transfer] = [:]
    /// What came of transfers since the last hand-over, by batch.
    private var replies: [(batch: TransferBatch, replies: [HTTPReply])] = []

    /// Beyond so many, handles are freed: each keeps a buffer.
    private static let mostIdle = 64

    /// `nil` where this host has no memory or descriptor left for it.
    ///
    /// - Parameters:
    ///   - mailbox: where requests come from.
    ///   - limits: of connections.
    init?(mailbox: TransferMailbox, limits: HTTPClient.Limits) {
        guard let multi = unsafe curl_multi_init() else { return nil }
        // Without the descriptors that wake it up it would sleep through every request.
        guard unsafe curl_multi_wakeup(multi) == CURLM_OK else {
            unsafe curl_multi_cleanup(multi)
            return nil
        }
        self.mailbox = mailbox
        unsafe self.multi = unsafe multi
        set(CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        set(CURLMOPT_MAX_HOST_CONNECTIONS, limits.connectionsPerHost)
        set(CURLMOPT_MAX_TOTAL_CONNECTIONS, limits.connections)
        set(CURLMOPT_MAXCONNECTS, limits.connections)
    }

    private func set(_ option: CURLMoption, _ value: Int) { _ = unsafe ccurl_multi_set_long(multi, option, value) }

    /// Can be called from every thread.
    var wakeup: TransferWakeup { unsafe TransferWakeup(multi) }

    /// Makes transfers until the mailbox is closed and everything has ended.
    func run() {
        while true {
            let letters = mailbox.take()
            for job in letters.jobs { begin(job, isFresh: job.request.isOnFreshConnection) }
            if letters.isAnyCancelled { endCancelled() }
            if letters.isClosed { break }
            var open: CInt = 0
            let code = unsafe curl_multi_perform(multi, &open)
            takeEnded()
            handOver()
            // An idle loop sleeps until somebody has something to send; a broken one must not spin.
            _ = unsafe curl_multi_poll(multi, nil, 0, code == CURLM_OK ? CInt(600_000) : CInt(100), nil)
        }
        cancelAll()
        for transfer in idle { transfer.close() }
        unsafe curl_multi_cleanup(multi)
        mailbox.end()
    }

    // MARK: - One transfer

    private func begin(_ job: TransferJob, isFresh: Bool) {
        guard !job.batch.isCancelled.load(ordering: .relaxed) else { return fail(job, TransferLoop.cancelled) }
        guard let transfer = idle.popLast() ?? Transfer() else {
            return fail(job, TransportFailure(.network, "this host has no memory left for the request"))
        }
        do throws(TransportFailure) {
            try transfer.begin(job, isFresh: isFresh, certificates: certificates, at: ContinuousClock.now)
        } catch {
            keep(transfer)
            return fail(job, error)
        }
        guard unsafe curl_multi_add_handle(multi, transfer.easy) == CURLM_OK else {
            keep(transfer)
            return fail(job, TransportFailure(.network, "this host has no memory left for the request"))
        }
        running[ObjectIdentifier(transfer)] = transfer
    }

    private func takeEnded() {
        var code = CURLE_OK
        while let easy = unsafe ccurl_next_ended(multi, &code) {
            unsafe curl_multi_remove_handle(multi, easy)
            guard let transfer = unsafe Transfer.at(ccurl_get_private(easy)), let job = transfer.job else { continue }
            running[ObjectIdentifier(transfer)] = nil
            if transfer.isWorthRepeating(code) {
                keep(transfer)
                begin(job, isFresh: true)
            } else {
                note(transfer.outcome(code), of: job)
                keep(transfer)
            }
        }
    }

    private func keep(_ transfer: Transfer) {
        if idle.count < TransferLoop.mostIdle { idle.append(transfer) } else { transfer.close() }
    }

    private func fail(_ job: TransferJob, _ failure: TransportFailure) { note(.failed(failure), of: job) }

    private func note(_ outcome: HTTPReply.Outcome, of job: TransferJob) {
        let reply = HTTPReply(index: job.index, outcome: outcome, latency: ContinuousClock.now - job.submittedAt)
        if let place = replies.lastIndex(where: { $0.batch === job.batch }) {
            replies[place].replies.append(reply)
        } else {
            replies.append((job.batch, [reply]))
        }
    }

    private func handOver() {
        let all = replies
        replies = []
        for entry in all { entry.batch.deliver(entry.replies) }
    }

    // MARK: - The end

    /// Ends what nobody waits for any more.
    private func endCancelled() {
        for transfer in Array(running.values) where transfer.job?.batch.isCancelled.load(ordering: .relaxed) ?? false {
            abandon(transfer)
        }
        handOver()
    }

    private func cancelAll() {
        for transfer in Array(running.values) { abandon(transfer) }
        for job in mailbox.take().jobs { fail(job, TransferLoop.cancelled) }
        handOver()
    }

    private func abandon(_ transfer: Transfer) {
        unsafe curl_multi_remove_handle(multi, transfer.easy)
        running[ObjectIdentifier(transfer)] = nil
        if let job = transfer.job { fail(job, TransferLoop.cancelled) }
        keep(transfer)
    }

    static let cancelled = TransportFailure(.timeout, "no complete answer within the time limit")
}
