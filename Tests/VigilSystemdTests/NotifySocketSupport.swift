import Glibc

/// A datagram socket in the file system, as a service manager listens on; it reads without waiting.
final class RecordingNotifySocket {
    let path: String
    private let descriptor: Int32

    struct SystemFailure: Error {
        let call: String
        let errno: Int32
    }

    init() throws {
        path = "/tmp/tokenvigil-notify-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        descriptor = socket(
            AF_UNIX,
            Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
            0
        )
        guard descriptor >= 0 else { throw SystemFailure(call: "socket", errno: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let result = unsafe withUnsafeBytes(of: &address) { bytes in
            unsafe bind(
                descriptor,
                bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                socklen_t(bytes.count)
            )
        }
        guard result == 0 else { throw SystemFailure(call: "bind", errno: errno) }
    }

    deinit {
        close(descriptor)
        unsafe unlink(path)
    }

    /// The next message's lines, or nil when none has arrived.
    func next() -> [String]? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { return nil }
        return String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
