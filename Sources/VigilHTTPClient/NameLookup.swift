import Glibc
import Synchronization

/// Looks names up, each on a thread of its own, so many at once and no more.
///
/// getaddrinfo(3) cannot be ended, and takes minutes where name servers do not answer. libcurl leaves such a look-up behind
/// when its transfer is over, and begins another with the next: a dead name server would fill this process with threads and
/// descriptors. Here everybody who asks for a name waits for the same look-up, and those that take long leave room for others.
final class NameLookup: Sendable {
    /// What came of one look-up.
    struct Answer: Sendable {
        let name: String
        /// In numbers, in the order in which they are to be tried; empty where there are none.
        let addresses: [String]
    }

    private struct State {
        /// When those under way began.
        var running: [String: ContinuousClock.Instant] = [:]
        /// In the order in which they were asked for.
        var waiting: [String] = []
        /// How names did the last time.
        var wasQuick: [String: Bool] = [:]
    }

    /// A look-up that takes longer is a slow one.
    private static let quick = Duration.seconds(2)
    /// Of so many names is kept how they did.
    private static let mostRemembered = 10_000

    /// Most look-ups under way.
    ///
    /// Slow ones have half of it; names that were quick the last time have a quarter beside it.
    private let most: Int
    private let state = Mutex(State())
    private let tell: @Sendable (Answer) -> Void

    /// - Parameters:
    ///   - most: look-ups under way at once.
    ///   - tell: called on the thread of a look-up with what came of it.
    init(most: Int, tell: @escaping @Sendable (Answer) -> Void) {
        self.most = most
        self.tell = tell
    }

    /// Looks `name` up soon; where it is being looked up already, one answer is for both.
    func lookUp(_ name: String) {
        begin { state in
            if state.running[name] == nil, !state.waiting.contains(name) { state.waiting.append(name) }
        }
    }

    /// Begins what may begin now: some that are under way may have become slow.
    func goOn() { begin { _ in } }

    private func begin(after change: (inout State) -> Void) {
        let names = state.withLock { state in
            change(&state)
            return begun(in: &state)
        }
        for name in names {
            guard let thread = HTTPClient.start(Look(name: name, lookup: self)) else {
                end(name, addresses: [])
                continue
            }
            // Nobody waits for it: it may take minutes.
            pthread_detach(thread)
        }
    }

    /// Takes out of those that wait what may begin now.
    private func begun(in state: inout State) -> [String] {
        guard !state.waiting.isEmpty else { return [] }
        let now = ContinuousClock.now
        var slow = state.running.count { now - $0.value > NameLookup.quick || state.wasQuick[$0.key] == false }
        var begun: [String] = []
        var left: [String] = []
        for name in state.waiting {
            let mayBegin =
                switch state.wasQuick[name] {
                case true?: state.running.count < most + most / 4
                case false?: slow < most / 2 && state.running.count < most
                case nil: state.running.count - slow < most / 2 && state.running.count < most
                }
            guard mayBegin else {
                left.append(name)
                continue
            }
            if state.wasQuick[name] == false { slow += 1 }
            state.running[name] = now
            begun.append(name)
        }
        state.waiting = left
        return begun
    }

    private func end(_ name: String, addresses: [String]) {
        state.withLock { state in
            guard let start = state.running.removeValue(forKey: name) else { return }
            if state.wasQuick.count >= NameLookup.mostRemembered { state.wasQuick = [:] }
            state.wasQuick[name] = ContinuousClock.now - start <= NameLookup.quick
        }
        tell(Answer(name: name, addresses: addresses))
        goOn()
    }

    /// One look-up, and its thread.
    private final class Look: ThreadRunner {
        private let name: String
        private let lookup: NameLookup

        init(name: String, lookup: NameLookup) {
            self.name = name
            self.lookup = lookup
        }

        func run() { lookup.end(name, addresses: Look.addresses(of: name)) }

        private static func addresses(of name: String) -> [String] {
            var hints = unsafe addrinfo()
            unsafe hints.ai_family = AF_UNSPEC
            unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
            var first: UnsafeMutablePointer<addrinfo>?
            guard unsafe getaddrinfo(name, nil, &hints, &first) == 0 else { return [] }
            defer { unsafe freeaddrinfo(first) }
            var addresses: [String] = []
            var next = unsafe first
            while let entry = unsafe next {
                unsafe next = entry.pointee.ai_next
                var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
                let code = unsafe getnameinfo(
                    entry.pointee.ai_addr,
                    entry.pointee.ai_addrlen,
                    &text,
                    socklen_t(text.count),
                    nil,
                    0,
                    NI_NUMERICHOST
                )
                let address = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                // An address of one link has the name of an interface behind it, which libcurl does not take here.
                guard code == 0, !address.contains("%"), !addresses.contains(address) else { continue }
                addresses.append(address)
            }
            return addresses
        }
    }
}
