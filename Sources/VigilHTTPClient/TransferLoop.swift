import CCurl
import Glibc
import Synchronization
import TokenHealth

/// The thread on which every transfer of a client is made, and what only that thread touches.
@safe final class TransferLoop {
    private let mailbox: TransferMailbox
    private let multi: UnsafeMutableRawPointer
    private let certificates = CertificateFiles()
    private let guardian: FloodGuard
    /// Origins whose peers were cut off, and until when they are left alone.
    private var resting: [String: ContinuousClock.Instant] = [:]
    /// Origins at which HTTP/2 did not work, and until when they are asked by HTTP/1.1.
    private var older: [String: ContinuousClock.Instant] = [:]
    /// Handles that may be used again.
    private var idle: [Transfer] = []
    private var running: [ObjectIdentifier: Transfer] = [:]
    private var queues: [String: OriginQueue] = [:]
    /// Origins at which somebody waits for his turn.
    private var crowded: Set<String> = []
    private let names: NameLookup
    /// Those that wait for the addresses of a name, and since when.
    private var awaiting: [HostName: [(job: TransferJob, isFresh: Bool, since: ContinuousClock.Instant)]] = [:]
    /// What came of transfers since the last hand-over, by batch.
    private var replies: [(batch: TransferBatch, replies: [HTTPReply])] = []
    /// When the first of them came.
    private var heldSince: ContinuousClock.Instant?

    /// How long an origin is left alone whose peer sends without end.
    private static let rest = Duration.seconds(60)
    /// How long an origin is asked by HTTP/1.1 where HTTP/2 did not work.
    private static let detour = Duration.seconds(600)
    /// Beyond so many, handles are freed: each keeps a buffer.
    private static let mostIdle = 64
    /// How long an answer may wait for those to other requests of its batch: to hand it over costs as much as half of them.
    private static let patience = Duration.milliseconds(5)

    /// `nil` where this host has no memory or descriptor left for it.
    ///
    /// - Parameters:
    ///   - mailbox: where requests come from.
    ///   - guardian: watches over the connections.
    ///   - limits: of connections.
    init?(mailbox: TransferMailbox, guardian: FloodGuard, limits: HTTPClient.Limits) {
        guard let multi = unsafe curl_multi_init() else { return nil }
        // Without the descriptors that wake it up it would sleep through every request.
        guard unsafe curl_multi_wakeup(multi) == CURLM_OK else {
            unsafe curl_multi_cleanup(multi)
            return nil
        }
        self.mailbox = mailbox
        self.guardian = guardian
        unsafe self.multi = unsafe multi
        // Each takes a thread, and a descriptor or two.
        names = NameLookup(most: min(256, max(4, limits.connections / 4))) { mailbox.put($0) }
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
            certificates.beginTurn()
            let letters = mailbox.take()
            var origin: String?
            for job in letters.jobs {
                if let origin, origin != job.origin { beginNext(at: origin) }
                queues[job.origin, default: OriginQueue()].add(job)
                origin = job.origin
            }
            if let origin { beginNext(at: origin) }
            for answer in letters.names { goOn(with: answer) }
            if letters.isAnyCancelled { endCancelled() }
            endOverdue()
            if letters.isClosed { break }
            var open: CInt = 0
            guardian.note(isBusy: !running.isEmpty)
            let code = guardian.watching { unsafe curl_multi_perform(multi, &open) }
            for origin in guardian.takeFlooding() { resting[origin] = ContinuousClock.now + TransferLoop.rest }
            takeEnded()
            handOverDue()
            // An idle loop sleeps until somebody has something to send, and looks now and then whether it missed that; a
            // broken one must not spin.
            let isQuiet = code == CURLM_OK && crowded.isEmpty && awaiting.isEmpty
            let latest: CInt = heldSince != nil ? 5 : isQuiet ? 5000 : 100
            _ = unsafe curl_multi_poll(multi, nil, 0, latest, nil)
        }
        endAll()
        for transfer in idle { transfer.close() }
        mailbox.endWaking()
        unsafe curl_multi_cleanup(multi)
        guardian.end()
        mailbox.end()
    }

    // MARK: - Turns

    /// Begins what may begin at `origin`.
    private func beginNext(at origin: String) {
        while let job = queues[origin]?.take() {
            if !begin(job, isFresh: job.request.isOnFreshConnection) {
                queues[origin]?.end(isHTTP2: nil, port: 0)
            }
        }
        if queues[origin]?.isAnybodyWaiting ?? false { crowded.insert(origin) } else { crowded.remove(origin) }
        if queues[origin]?.isIdle ?? false { queues[origin] = nil }
    }

    /// Ends those who have waited for their turn until their time was up.
    private func endOverdue() {
        guard !crowded.isEmpty || !awaiting.isEmpty else { return }
        let now = ContinuousClock.now
        endWaitingForNames(because: CURLE_OPERATION_TIMEDOUT) { $0.deadline <= now }
        if !awaiting.isEmpty { names.goOn() }
        for origin in crowded {
            for job in queues[origin]?.removeWaiting(where: { $0.deadline <= now }) ?? [] {
                fail(job, TransferLoop.overdue)
            }
            beginNext(at: origin)
        }
        handOver()
    }

    // MARK: - Names

    /// `answer` has come: those who waited for it begin.
    private func goOn(with answer: NameLookup.Answer) {
        let now = ContinuousClock.now
        for name in awaiting.keys where name.text == answer.name {
            guard !answer.addresses.isEmpty else {
                let code = CURLE_COULDNT_RESOLVE_HOST
                endWaitingForNames(named: name, because: code) { _ in true }
                continue
            }
            for (job, isFresh, since) in awaiting.removeValue(forKey: name) ?? [] {
                let addresses = KnownAddresses.found(answer.addresses, after: now - since)
                if !begin(job, isFresh: isFresh, addresses: addresses) { leave(job) }
            }
        }
        handOver()
    }

    /// Ends those that wait for a name and of which this holds.
    private func endWaitingForNames(
        named only: HostName? = nil,
        because code: CURLcode,
        where isOver: (TransferJob) -> Bool
    ) {
        for name in only.map({ [$0] }) ?? Array(awaiting.keys) {
            let over = awaiting[name]?.filter { isOver($0.job) } ?? []
            guard !over.isEmpty else { continue }
            awaiting[name]?.removeAll { isOver($0.job) }
            if awaiting[name]?.isEmpty ?? true { awaiting[name] = nil }
            for (job, _, _) in over {
                let isOfProxy = job.destination.proxy.way != nil
                let failed = code == CURLE_COULDNT_RESOLVE_HOST && isOfProxy ? CURLE_COULDNT_RESOLVE_PROXY : code
                fail(job, TransferFailures(job, code: failed, progress: .lookUp).failure)
                leave(job)
            }
        }
    }

    /// The turn of `job` at its origin is over.
    private func leave(_ job: TransferJob) {
        queues[job.origin]?.end(isHTTP2: nil, port: 0)
        beginNext(at: job.origin)
    }

    // MARK: - One transfer

    /// - Returns: whether it is under way; what else came of it is noted.
    private func begin(_ job: TransferJob, isFresh: Bool, addresses: KnownAddresses = .none) -> Bool {
        do throws(TransportFailure) {
            try start(job, isFresh: isFresh, addresses: addresses)
            return true
        } catch {
            fail(job, error)
            return false
        }
    }

    private func start(
        _ job: TransferJob,
        isFresh: Bool,
        addresses: KnownAddresses
    ) throws(TransportFailure) {
        guard !job.batch.isCancelled.load(ordering: .relaxed) else { throw TransferLoop.overdue }
        if let until = resting[job.origin] {
            guard until < ContinuousClock.now else { throw TransferLoop.flooded }
            resting[job.origin] = nil
        }
        guard let transfer = idle.popLast() ?? Transfer(guardian: guardian) else { throw TransferLoop.noMemory }
        do throws(TransportFailure) {
            try transfer.begin(
                job,
                isFresh: isFresh,
                isByHTTP1: isByHTTP1(job.origin),
                addresses: addresses,
                certificates: certificates,
                at: ContinuousClock.now
            )
            let code = unsafe curl_multi_add_handle(multi, transfer.easy)
            guard code == CURLM_OK else { throw TransferLoop.noMemory }
        } catch {
            keep(transfer)
            throw error
        }
        running[ObjectIdentifier(transfer)] = transfer
    }

    private func isByHTTP1(_ origin: String) -> Bool {
        guard let until = older[origin] else { return false }
        if until > ContinuousClock.now { return true }
        older[origin] = nil
        return false
    }

    private func takeEnded() {
        var code = CURLE_OK
        while let easy = unsafe ccurl_next_ended(multi, &code) {
            let transfer = unsafe Transfer.at(ccurl_get_private(easy))
            // Of a stream that has timed out libcurl keeps the connection, though it may be dead.
            if code == CURLE_OPERATION_TIMEDOUT, let transfer {
                guardian.shutSilent(unsafe ccurl_active_socket(easy), for: transfer.age)
            }
            unsafe curl_multi_remove_handle(multi, easy)
            guard let transfer, let job = transfer.job else { continue }
            running[ObjectIdentifier(transfer)] = nil
            if let name = transfer.wantedName {
                let isFresh = transfer.isFresh
                keep(transfer)
                awaiting[name, default: []].append((job, isFresh, ContinuousClock.now))
                names.lookUp(name.text)
                continue
            }
            let isToRepeat = transfer.isWorthRepeating(code)
            if transfer.isWithoutHTTP2(code) { older[job.origin] = ContinuousClock.now + TransferLoop.detour }
            // A server of HTTP/2 alone is asked by it again.
            if transfer.isByHTTP1, code != CURLE_OK { older[job.origin] = nil }
            if !isToRepeat { note(transfer.outcome(code), of: job) }
            let connection = transfer.connection
            keep(transfer)
            if isToRepeat, begin(job, isFresh: true) { continue }
            queues[job.origin]?.end(isHTTP2: connection.isHTTP2, port: connection.port)
            beginNext(at: job.origin)
        }
    }

    private func keep(_ transfer: Transfer) {
        if idle.count < TransferLoop.mostIdle { idle.append(transfer) } else { transfer.close() }
    }

    private func fail(_ job: TransferJob, _ failure: TransportFailure) { note(.failed(failure), of: job) }

    private func note(_ outcome: HTTPReply.Outcome, of job: TransferJob) {
        let now = ContinuousClock.now
        let reply = HTTPReply(index: job.index, outcome: outcome, latency: now - job.submittedAt)
        heldSince = heldSince ?? now
        if let place = replies.lastIndex(where: { $0.batch === job.batch }) {
            replies[place].replies.append(reply)
        } else {
            replies.append((job.batch, [reply]))
        }
    }

    /// Hands over what has waited long enough, or has nobody left to wait for.
    private func handOverDue() {
        guard let since = heldSince else { return }
        if running.isEmpty || ContinuousClock.now - since >= TransferLoop.patience { handOver() }
    }

    private func handOver() {
        let all = replies
        replies = []
        heldSince = nil
        for entry in all { entry.batch.deliver(entry.replies) }
    }

    // MARK: - The end

    /// Ends what nobody waits for any more.
    private func endCancelled() {
        end { $0.batch.isCancelled.load(ordering: .relaxed) }
        for origin in crowded { beginNext(at: origin) }
    }

    private func endAll() {
        for job in mailbox.take().jobs { fail(job, TransferLoop.overdue) }
        end { _ in true }
    }

    /// Ends those that are under way or wait, and of which this holds.
    private func end(where isOver: (TransferJob) -> Bool) {
        for origin in Array(queues.keys) {
            for job in queues[origin]?.removeWaiting(where: isOver) ?? [] { fail(job, TransferLoop.overdue) }
        }
        endWaitingForNames(because: CURLE_OPERATION_TIMEDOUT, where: isOver)
        for transfer in Array(running.values) {
            guard let job = transfer.job, isOver(job) else { continue }
            unsafe curl_multi_remove_handle(multi, transfer.easy)
            running[ObjectIdentifier(transfer)] = nil
            fail(job, TransferLoop.overdue)
            keep(transfer)
            queues[job.origin]?.end(isHTTP2: nil, port: 0)
            if queues[job.origin]?.isIdle ?? false { queues[job.origin] = nil }
        }
        handOver()
    }

    static let overdue = TransportFailure(.timeout, "no complete answer within the time limit")
    private static let flooded = TransportFailure(
        .network,
        "the server sends without end what is no answer: it is left alone for a minute"
    )
    static let longHead = TransportFailure(
        .network,
        "the head of the answer is longer than any should be, or than this host has memory for"
    )
    static let noMemory = TransportFailure(.network, "this host has no memory left for the request")
}
