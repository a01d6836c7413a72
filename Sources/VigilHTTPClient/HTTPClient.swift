import CCurl
import Glibc
import Synchronization
import VigilPlatform

/// The one way out of this host: HTTP/1.1 and HTTP/2 by libcurl, on one thread, with connections that are kept.
///
/// Names are looked up on threads of their own, and proxies, TLS and connection limits are libcurl's. It follows no
/// redirect, keeps no cookie, reads no .netrc, and speaks no protocol but HTTP.
package final class HTTPClient: Sendable {
    /// How many connections may be open at once.
    package struct Limits: Sendable, Hashable {
        package var connections: Int
        package var connectionsPerHost = 128

        package init(connections: Int) { self.connections = connections }

        /// Half of the descriptors that this process may have: the rest is for everything else.
        package static var ofThisProcess: Limits { Limits(connections: FileShares.ofThisProcess.connections) }
    }

    /// Why a client cannot be made.
    package struct StartFailure: Error, Sendable, Hashable, CustomStringConvertible {
        package let description =
            "no connection can be made: this host has no descriptor, thread or memory left for this process"
    }

    private let mailbox = TransferMailbox()
    private let destinations: Mutex<Destinations>
    /// The threads to be waited for at the end.
    private let threads = Mutex<[pthread_t]>([])

    /// Starts the thread; ``shutdown()`` ends it.
    ///
    /// - Parameters:
    ///   - environment: where the proxies are looked up.
    ///   - limits: of connections.
    /// - Throws: ``StartFailure`` where this host has nothing left for it.
    package init(environment: [String: String], limits: Limits = .ofThisProcess) throws(StartFailure) {
        destinations = Mutex(Destinations(ProxyEnvironment(environment)))
        let guardian = FloodGuard()
        guard HTTPClient.library,
            let loop = TransferLoop(mailbox: mailbox, guardian: guardian, limits: limits)
        else { throw StartFailure() }
        mailbox.open(loop.wakeup)
        guard let watching = HTTPClient.start(guardian) else { throw StartFailure() }
        guard let looping = HTTPClient.start(loop) else {
            guardian.end()
            pthread_detach(watching)
            throw StartFailure()
        }
        threads.withLock { $0 = [looping, watching] }
    }

    /// Runs `body` with a client that is shut down after it.
    ///
    /// - Throws: ``StartFailure``, or what `body` throws.
    package static func with<Value>(
        environment: [String: String],
        _ body: (HTTPClient) async throws -> Value
    ) async throws -> Value {
        let client = try HTTPClient(environment: environment)
        do {
            let value = try await body(client)
            await client.shutdown()
            return value
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// Sends a request, and waits for what comes of it; the cancellation of the task ends it.
    package func send(_ request: HTTPRequest) async -> HTTPReply {
        let promise = ReplyPromise()
        let batch = TransferBatch { replies in
            if let reply = replies.first { promise.keep(reply) }
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                promise.await(continuation)
                submit([request], in: batch)
            }
        } onCancel: {
            mailbox.cancel(batch)
        }
    }

    /// Sends all of these at once.
    ///
    /// - Parameters:
    ///   - requests: what to send.
    ///   - deliver: called on the client's thread with what has come at once; it has each request once, and must be quick.
    /// - Returns: what ends those that are still under way.
    package func send(
        _ requests: [HTTPRequest],
        deliver: @escaping @Sendable ([HTTPReply]) -> Void
    ) -> @Sendable () -> Void {
        let batch = TransferBatch(deliver: deliver)
        submit(requests, in: batch)
        return { [mailbox] in mailbox.cancel(batch) }
    }

    private func submit(_ requests: [HTTPRequest], in batch: TransferBatch) {
        let now = ContinuousClock.now
        let jobs = destinations.withLock { destinations in
            requests.enumerated().map { index, request in
                TransferJob(
                    index: index,
                    request: request,
                    destination: destinations.destination(of: request),
                    submittedAt: now,
                    batch: batch
                )
            }
        }
        guard !mailbox.put(jobs) else { return }
        batch.deliver(jobs.map { HTTPReply(index: $0.index, outcome: .failed(TransferLoop.overdue), latency: .zero) })
    }

    /// Ends everything that is under way, and closes every connection; nothing can be sent any more.
    package func shutdown() async {
        await mailbox.close()
        // They have nothing left to do but to end, and must have before the libraries they use are taken down at the exit.
        let ended = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in ended { pthread_join(thread, nil) }
    }

    /// Whether libcurl is there: it wants to be told once, before the first handle is made.
    static let library = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// Starts a thread that runs `runner` to its end, and is to be joined or detached; `nil` where there is none to be had.
    static func start(_ runner: any ThreadRunner) -> pthread_t? {
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(ThreadStart(runner: runner))
        let code = unsafe pthread_create(&thread, nil, HTTPClient.main, context.toOpaque())
        guard code == 0 else {
            unsafe context.release()
            return nil
        }
        return thread
    }

    private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
        // A peer that has gone is an error of a write, never a signal that ends the process; and signals are for others.
        var signals = sigset_t()
        unsafe sigfillset(&signals)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue().runner.run()
        return nil
    }
}

/// What has a thread of its own.
protocol ThreadRunner: AnyObject {
    func run()
}

extension TransferLoop: ThreadRunner {}
extension FloodGuard: ThreadRunner {}

/// Hands a runner to its thread.
private final class ThreadStart {
    let runner: any ThreadRunner

    init(runner: any ThreadRunner) { self.runner = runner }
}
