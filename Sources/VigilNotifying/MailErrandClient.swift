import FoundationEssentials
import NIOCore
import NIOPosix
import TokenHealth

/// Asks the mail helper to hand a message to the mailer: the other end of ``MailErrandServer``.
struct MailErrandClient: Sendable {
    /// What became of it.
    enum Outcome: Sendable {
        /// The mailer was run, as if it had been run here.
        case done(ChildProcess.Outcome)
        /// The helper did not run it, and says why.
        case refused(String)
        /// No helper listens for this user: the caller has to run the mailer itself.
        case absent
        /// The helper went away or is out of its mind.
        case broken(String)
    }

    let path: String
    /// For everything: the helper has a limit of its own, which is to strike first.
    let timeLimit: Duration

    func run(_ errand: MailErrand) async -> Outcome {
        guard let request = try? JSONEncoder().encode(errand), request.count <= MailErrand.maximumSize else {
            return .broken("the message is too long for the mail helper")
        }
        let answer: ByteBuffer?
        do {
            answer = try await within(timeLimit) { try await exchange(ByteBuffer(bytes: request)) }
        } catch let error as IOError where MailErrandClient.absences.contains(error.errnoCode) {
            return .absent
        } catch {
            return .broken("the mail helper at \(path) cannot be asked: \("\(error)".oneLine.shortened(to: 200))")
        }
        guard let answer else { return .broken("the mail helper did not answer within \(timeLimit.short)") }
        return outcome(of: answer)
    }

    /// No socket; nobody behind it; not for this user, who may well run the mailer alone.
    private static let absences: Set<CInt> = [ENOENT, ECONNREFUSED, EACCES]

    private func exchange(_ request: ByteBuffer) async throws -> ByteBuffer {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            // A helper that refuses at once closes before it has read everything: its answer still counts.
            try? await outbound.write(request)
            outbound.finish()
            var answer = ByteBuffer()
            do {
                for try await part in inbound {
                    answer.writeImmutableBuffer(part)
                    if answer.readableBytes > MailErrandReport.maximumSize { break }
                }
            } catch let error as IOError where answer.readableBytes > 0 && error.errnoCode == ECONNRESET {
                // It closed while something was still under way; the answer had arrived.
            }
            return answer
        }
    }

    private func outcome(of answer: ByteBuffer) -> Outcome {
        guard answer.readableBytes > 0 else { return .broken("the mail helper ended without an answer") }
        guard answer.readableBytes <= MailErrandReport.maximumSize,
            let report = try? JSONDecoder().decode(MailErrandReport.self, from: Data(answer.readableBytesView))
        else { return .broken("the mail helper's answer cannot be read") }
        guard let outcome = report.outcome else { return .refused(report.complaint.oneLine.shortened(to: 300)) }
        return .done(outcome)
    }
}
