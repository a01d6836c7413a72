import CSystemd
import Glibc

/// A connected local socket that was handed to this process, as `Accept=yes` does: one conversation, with a limit.
package struct SocketConnection: Sendable {
    /// Who is at the other end, as the kernel says (`SO_PEERCRED` and `SO_PEERGROUPS`, unix(7) and socket(7)).
    package struct Peer: Sendable, Hashable {
        package let userID: UInt32
        /// The primary group first.
        package let groupIDs: [UInt32]

        package init(userID: UInt32, groupIDs: [UInt32]) {
            self.userID = userID
            self.groupIDs = groupIDs
        }

        /// Whether the peer had this group when it connected.
        package func belongs(to group: UInt32) -> Bool { groupIDs.contains(group) }
    }

    /// Why there is nothing to work with.
    package enum ReadFailure: Error, Sendable, Hashable {
        case tooLong(limit: Int)
        case tooSlow(limit: Duration)
        case failed(errno: Int32)
    }

    private let descriptor: Int32

    /// Takes a descriptor that stays open as long as this is used; `nil` where it is no socket.
    package init?(descriptor: Int32) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        self.descriptor = descriptor
    }

    /// Who connected; `nil` where the kernel does not say.
    package var peer: Peer? {
        var user: UInt32 = 0
        var group: UInt32 = 0
        guard unsafe csystemd_peer(descriptor, &user, &group) == 0 else { return nil }
        var others = [UInt32](repeating: 0, count: 1024)
        let count = unsafe csystemd_peer_groups(descriptor, &others, UInt32(others.count))
        return Peer(userID: user, groupIDs: [group] + others.prefix(max(0, Int(count))))
    }

    /// All that the peer sends until it closes its side.
    ///
    /// Blocks this thread.
    ///
    /// - Parameters:
    ///   - limit: bytes; one more is a failure.
    ///   - time: for all of it.
    /// - Returns: the bytes, perhaps none.
    /// - Throws: ``ReadFailure`` where the peer sends too much, too slowly, or breaks off.
    package func readToEnd(atMost limit: Int, within time: Duration) throws(ReadFailure) -> [UInt8] {
        try readToEnd(atMost: limit, within: time, keeping: true)
    }

    private func readToEnd(atMost limit: Int, within time: Duration, keeping: Bool) throws(ReadFailure) -> [UInt8] {
        let deadline = ContinuousClock.now + time
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let left = deadline - ContinuousClock.now
            guard left > .zero else { throw .tooSlow(limit: time) }
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            let ready = unsafe poll(&poller, 1, Int32(clamping: milliseconds + 1))
            if ready == 0 || (ready < 0 && errno == EINTR) { continue }
            guard ready > 0 else { throw .failed(errno: errno) }
            let count = unsafe recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count < 0 {
                if errno == EAGAIN || errno == EINTR { continue }
                throw .failed(errno: errno)
            }
            guard count > 0 else { return bytes }
            guard keeping else { continue }
            guard bytes.count + count <= limit else { throw .tooLong(limit: limit) }
            bytes += buffer.prefix(count)
        }
    }

    /// Sends a short answer and ends the conversation; what a peer that has gone does not take is dropped.
    ///
    /// What the peer still sends is read and thrown away for up to a second: closed over unread bytes, a socket is reset,
    /// and the peer might never see the answer.
    package func close(answering bytes: [UInt8]) {
        // Fits the socket's buffer, so it does not block.
        _ = unsafe bytes.withUnsafeBytes { buffer in
            unsafe send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        _ = shutdown(descriptor, Int32(SHUT_WR))
        _ = try? readToEnd(atMost: .max, within: .seconds(1), keeping: false)
    }
}

extension SocketConnection.ReadFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong(let limit): "more than \(limit) bytes"
        case .tooSlow(let limit): "not at its end within \(limit)"
        case .failed(let code): errorText(code)
        }
    }
}
