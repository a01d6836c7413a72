import Glibc

/// The socket in the file system over which the daemon takes commands.
enum ControlSocket {
    /// Owner and group may connect; nobody else.
    private static let mode: mode_t = 0o660

    /// Makes a bound socket at `path` that does not listen yet; one that a dead daemon has left there is removed.
    ///
    /// Nobody gets in before the mode is set: a socket that does not listen refuses connections (connect(2)).
    ///
    /// - Returns: its descriptor.
    static func bind(at path: String) throws(ControlSocketError) -> CInt {
        try removeStale(path)
        let descriptor = try open(path)
        do throws(ControlSocketError) {
            // Whatever the umask is: fchmod bounds the mode from the first moment, chmod widens it to what is wanted.
            guard fchmod(descriptor, mode) == 0 else { throw .failed("cannot set the mode of \(path)", errno) }
            var address = try socketAddress(path)
            let bound = unsafe withUnsafeBytes(of: &address) { bytes in
                unsafe Glibc.bind(
                    descriptor,
                    bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                    socklen_t(bytes.count)
                )
            }
            guard bound == 0 else { throw .failed("cannot create \(path)", errno) }
            guard unsafe chmod(path, mode) == 0 else { throw .failed("cannot set the mode of \(path)", errno) }
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Connects to the socket at `path`.
    ///
    /// - `isPatient`: whether to wait for one who lets nobody in at the moment.
    /// - Returns: the descriptor of the connection.
    static func connect(to path: String, isPatient: Bool = true) throws(ControlSocketError) -> CInt {
        let descriptor = try open(path, flags: isPatient ? 0 : CInt(SOCK_NONBLOCK.rawValue))
        var address: sockaddr_un
        do throws(ControlSocketError) {
            address = try socketAddress(path)
        } catch {
            close(descriptor)
            throw error
        }
        let connected = unsafe withUnsafeBytes(of: &address) { bytes in
            unsafe Glibc.connect(
                descriptor,
                bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                socklen_t(bytes.count)
            )
        }
        guard connected == 0 else {
            let code = errno
            close(descriptor)
            throw .failed("cannot connect to \(path)", code)
        }
        return descriptor
    }

    private static func removeStale(_ path: String) throws(ControlSocketError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            guard errno == ENOENT else { throw .failed("cannot look at \(path)", errno) }
            return
        }
        // A link, or anybody's file, is not ours to remove.
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .occupied(path) }
        do throws(ControlSocketError) {
            close(try connect(to: path, isPatient: false))
        } catch {
            // Somebody listens who lets nobody in.
            if case .failed(_, EAGAIN) = error { throw .answered(path) }
            guard case .failed(_, ECONNREFUSED) = error else { throw error }
            guard unsafe unlink(path) == 0 || errno == ENOENT else {
                throw .failed("cannot remove the old \(path)", errno)
            }
            return
        }
        throw .answered(path)
    }

    private static func open(_ path: String, flags: CInt = 0) throws(ControlSocketError) -> CInt {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue) | flags, 0)
        guard descriptor >= 0 else { throw .failed("cannot make a socket for \(path)", errno) }
        return descriptor
    }

    /// The address of unix(7): the path, ended by a zero.
    private static func socketAddress(_ path: String) throws(ControlSocketError) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard !bytes.isEmpty, bytes.count < room, !bytes.contains(0) else {
            throw .failed("cannot use \(path) as a socket", ENAMETOOLONG)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return address
    }
}

/// Why the control socket cannot be used.
package enum ControlSocketError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was attempted, and the errno value.
    case failed(String, Int32)
    /// Something else stands there.
    case occupied(String)
    /// Another daemon listens there.
    case answered(String)

    package var description: String {
        switch self {
        case .failed(let attempt, let code):
            "\(attempt): \(unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)")"
        case .occupied(let path): "\(path) is there and is no socket: remove it, or set control.socket"
        case .answered(let path): "another daemon listens at \(path): stop it, or set control.socket"
        }
    }
}
