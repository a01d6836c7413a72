import Glibc

/// What the system refused: an errno value, with the system's words for it.
package struct SystemError: Error, Sendable, Hashable {
    package let code: Int32

    /// Takes a value; without one, what the last call has left in `errno`.
    package init(_ code: Int32 = errno) { self.code = code }

    /// Whether the host is short of something, or a disk or a file server does not answer: that says nothing about what was
    /// asked for, and may pass.
    package var isOfTheHost: Bool {
        switch code {
        case EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN, EINTR, EIO, ESTALE, ETIMEDOUT, EHOSTDOWN, EHOSTUNREACH, ENOTCONN,
            ECONNREFUSED, ECONNRESET, EREMOTEIO, EBUSY, ENOLCK, ENXIO, ENODEV, ENOSPC, EDQUOT, EPROTO:
            true
        default: false
        }
    }
}

extension SystemError: CustomStringConvertible {
    package var description: String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard unsafe strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
