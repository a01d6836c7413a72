import Glibc

/// How long whoever listens at a socket of the system may have no room for another message, in milliseconds.
private let patience: Int32 = 200

/// Zero when a datagram can be sent to the socket at `path` now, else the errno value that says why not: `EAGAIN` where somebody
/// listens and reads nothing, who would hold up whoever sends for as long as he does not (unix(7)).
///
/// - `path`: in the file system, or behind `@` an abstract name.
func datagramError(at path: String) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard !bytes.isEmpty, bytes.count < room else { return ENAMETOOLONG }
    let isAbstract = bytes[0] == UInt8(ascii: "@")
    if isAbstract { bytes[0] = 0 }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    // The length is a part of an abstract name.
    let length = MemoryLayout.size(ofValue: address) - room + (isAbstract ? bytes.count : room)
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    let result = unsafe withUnsafeBytes(of: &address) { bytes in
        unsafe connect(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(length))
    }
    guard result == 0 else { return errno }
    var event = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    let ready = unsafe poll(&event, 1, patience)
    return ready > 0 ? 0 : ready == 0 ? EAGAIN : errno
}
