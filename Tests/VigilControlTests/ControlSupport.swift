import Dispatch
import FoundationEssentials
import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import TokenHealth
import VigilEngine

@testable import VigilControl

/// Notes what it was asked for, and answers as it was told.
final class RecordingActions: ControlActions {
    private let asked = Mutex<[String]>([])
    private let refusal: ControlRefusal?
    /// How long a probe takes.
    private let probeTime: Duration

    static let now = Date(timeIntervalSince1970: 1_795_428_000)

    init(refusing refusal: ControlRefusal? = nil, probeTime: Duration = .zero) {
        self.refusal = refusal
        self.probeTime = probeTime
    }

    /// Everything it was asked for, in order.
    var calls: [String] { asked.withLock { $0 } }

    private func note(_ call: String) throws(ControlRefusal) {
        asked.withLock { $0.append(call) }
        if let refusal { throw refusal }
    }

    func status() async -> StatusDocument {
        StatusDocument(
            generatedAt: Self.now,
            validUntil: Self.now,
            monitor: MonitorReport(version: "0.0.0", pid: 1, host: "srv1", startedAt: Self.now),
            tokens: [:],
            notifiers: [:]
        )
    }

    func probe(_ token: String) async throws(ControlRefusal) -> TokenReport {
        try note("probe \(token)")
        try? await Task.sleep(for: probeTime)
        guard let name = TokenName(token) else { throw ControlRefusal(404, "no such token") }
        return report(on: name)
    }

    private func report(on name: TokenName) -> TokenReport {
        let provider = Provider(name: "example", baseURL: "https://api.example.test", probe: ProbeTemplate(path: "/me"))
        let watched = WatchedToken(name: name, provider: provider, secret: .file(path: "/x"))
        return TokenReport(token: watched, belief: Belief(at: Self.now), uptime: Uptime(), nextProbeAt: nil)
    }

    func replaced(
        _ replacement: Replacement
    ) async throws(ControlRefusal) -> ReplacementOutcome {
        let isNew = replacement.acceptsNewIdentity ? ", new identity" : ""
        try note("replaced \(replacement.token) by \(replacement.by)\(isNew)")
        guard let name = TokenName(replacement.token) else { throw ControlRefusal(404, "no such token") }
        var record = Intervention(at: Self.now, token: name, deed: .replaced, by: replacement.by, reason: "")
        record.newFingerprint = Fingerprint(text: "k1:new")
        let twins = [TokenName("twin")].compactMap(\.self)
        return (record, report(on: name), Dictionary(uniqueKeysWithValues: twins.map { ($0, report(on: $0)) }))
    }

    func acknowledge(_ token: String, by person: String, reason: String) async throws(ControlRefusal) -> [TokenName] {
        try note("ack \(token) by \(person): \(reason)")
        return [TokenName(token)].compactMap(\.self)
    }

    func silence(
        _ subject: SilenceSubject,
        for length: Duration,
        by person: String,
        reason: String
    ) async throws(ControlRefusal) -> (names: [TokenName], silence: Silence) {
        try note("silence \(subject) for \(DurationText.format(length)) by \(person): \(reason)")
        let silence = Silence(until: Self.now.advanced(by: length), reason: reason, by: person, at: Self.now)
        return ([TokenName("bot")].compactMap(\.self), silence)
    }

    func endSilence(of token: String, by person: String) async throws(ControlRefusal) {
        try note("unsilence \(token) by \(person)")
    }

    func quiet() async -> [QuietToken] { [] }

    func outbox() async throws(ControlRefusal) -> any Encodable & Sendable {
        try note("outbox")
        return ["a", "b"]
    }

    func reload() async throws(ControlRefusal) -> Int {
        try note("reload")
        return 2
    }
}

/// A directory that lives as long as the test that holds it.
final class ControlDirectory {
    let path: String

    init() throws {
        // Short: the address of a socket has room for 107 bytes.
        path = "\(FileManager.default.temporaryDirectory.path)/tv-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var socket: String { "\(path)/control.sock" }
}

extension ControlClient.Answer {
    var text: String { String(decoding: body, as: UTF8.self) }
    var error: String { JSONPointer("/error").flatMap { json?[$0]?.scalarText } ?? "" }
}

/// Does blocking work where no task is kept waiting for a thread.
func blocking<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Result(catching: work)) }
    }
}

/// Sends bytes as they are, and reads until the end.
func exchange(_ bytes: [UInt8], at path: String) throws -> [UInt8] {
    let descriptor = try ControlSocket.connect(to: path)
    defer { close(descriptor) }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var rest = bytes[...]
    while !rest.isEmpty {
        let sent = unsafe rest.withUnsafeBytes {
            unsafe send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
        guard sent > 0 else { break }
        rest = rest.dropFirst(sent)
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        guard count > 0 else { return answer }
        answer += buffer.prefix(count)
    }
}

/// Runs `body` while a server listens at a socket of its own.
func withServer(
    _ actions: RecordingActions = RecordingActions(),
    limits: ControlServer.Limits = ControlServer.Limits(),
    _ body: @escaping @Sendable (String) async throws -> Void
) async throws {
    let directory = try ControlDirectory()
    let (ready, listening) = AsyncStream.makeStream(of: Void.self)
    let server = ControlServer(
        path: directory.socket,
        actions: actions,
        timekeeper: SystemTimekeeper(),
        limits: limits,
        logger: Logger(label: "control") { _ in SwiftLogNoOpLogHandler() },
        listening: { listening.finish() }
    )
    let group = ServiceGroup(
        services: [server],
        logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }
    )
    let path = directory.socket
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        for await _ in ready {}
        do {
            try await body(path)
        } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
    _ = directory
}
