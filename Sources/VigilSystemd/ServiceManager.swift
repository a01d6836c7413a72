import CSystemd
import Glibc

/// Speaks to the service manager that started this process, if one did: readiness, status, reload, watchdog.
///
/// Every message goes to the socket named in `$NOTIFY_SOCKET`. Without that variable each message is a no-op, so the
/// same program runs under systemd, in a container and in a terminal.
package struct ServiceManager: Sendable {
    /// One thing to tell the service manager.
    package enum State: Sendable, Equatable {
        /// Start-up or a reload is complete. After `reloading` it must follow, even when the reload failed.
        case ready
        /// One line for `systemctl status`; line breaks become spaces.
        case status(String)
        /// A reload begins. To be said first thing on SIGHUP, or `systemctl reload` returns before it began.
        case reloading
        /// The shutdown has begun.
        case stopping
        /// The loops have made progress; to be said within `watchdogInterval`.
        case watchdog
        /// The errno value that explains a failure.
        case errno(Int32)
    }

    /// What became of a message.
    package enum Outcome: Sendable, Equatable {
        case sent
        /// No service manager listens: `$NOTIFY_SOCKET` is not set.
        case unmanaged
        /// The socket exists and refused the message with this errno value.
        case failed(errno: Int32)
    }

    /// Makes a view of the service manager; it holds nothing, the environment is read when a message is sent.
    package init() {}

    /// Whether a service manager asked to be notified.
    package var isPresent: Bool { unsafe getenv("NOTIFY_SOCKET") != nil }

    /// The time within which the service manager wants to hear `watchdog`; nil when it watches no one, or another process.
    ///
    /// Ping at half of it or less.
    package var watchdogInterval: Duration? {
        var microseconds: UInt64 = 0
        guard unsafe sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    /// The first socket that the service manager hands over to this process (sd_listen_fds(3)); nil where there is none.
    package var handedSocket: Int32? {
        // The variables stay: children close the socket, and a second look finds it again.
        sd_listen_fds(0) > 0 ? SD_LISTEN_FDS_START : nil
    }

    /// Sends all the given states in one message.
    @discardableResult
    package func notify(_ states: State...) -> Outcome {
        let message = states.map(Self.assignment).joined(separator: "\n")
        // One that reads nothing is told nothing: it must not hold up what it watches over.
        if let path = unsafe getenv("NOTIFY_SOCKET").map({ unsafe String(cString: $0) }), "/@".contains(path.prefix(1)),
            datagramError(at: path) == EAGAIN
        {
            return .failed(errno: EAGAIN)
        }
        let result = unsafe sd_notify(0, message)
        if result < 0 { return .failed(errno: -result) }
        return result == 0 ? .unmanaged : .sent
    }

    private static func assignment(_ state: State) -> String {
        switch state {
        case .ready: "READY=1"
        case .status(let text): "STATUS=" + oneLine(text)
        case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(monotonicMicroseconds())"
        case .stopping: "STOPPING=1"
        case .watchdog: "WATCHDOG=1"
        case .errno(let value): "ERRNO=\(value)"
        }
    }

    /// A line break would start another assignment, and a NUL would end the C string: text from outside must do neither.
    private static func oneLine(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 ? " " : $0 }))
    }

    /// The clock that systemd compares `MONOTONIC_USEC` with.
    private static func monotonicMicroseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
