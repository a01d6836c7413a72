package import Glibc

/// A regular file that is open for reading.
///
/// Nothing else in its place holds the reader up or fills its memory: a named pipe without a writer, a device, a file
/// without an end.
package struct RegularFile: ~Copyable {
    /// Why there is nothing to read.
    package enum Failure: Error, Sendable, Hashable {
        case refused(SystemError)
        /// Something that is no regular file, such as "a named pipe".
        case noFile(String)
        /// Longer than this, in bytes.
        case tooLong(Int)
    }

    private let descriptor: CInt
    /// Of the file that was opened, whatever has become of its name since.
    package let status: stat

    /// Opens what is at `path`; links are followed.
    ///
    /// - Throws: ``Failure``.
    package init(_ path: String) throws(Failure) {
        // A named pipe would block without O_NONBLOCK, and a terminal could become that of this process.
        let opened = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard opened >= 0 else {
            // What open(2) says of a socket.
            throw errno == ENXIO ? .noFile("a socket") : .refused(SystemError())
        }
        var status = stat()
        guard unsafe fstat(opened, &status) == 0 else {
            let error = SystemError()
            close(opened)
            throw .refused(error)
        }
        if let kind = status.kindOfOther {
            close(opened)
            throw .noFile(kind)
        }
        descriptor = opened
        self.status = status
    }

    deinit { close(descriptor) }

    /// The bytes at the beginning, at most `count` of them.
    ///
    /// - Throws: ``Failure/refused(_:)``.
    package func beginning(_ count: Int) throws(Failure) -> [UInt8] {
        // Files that are made up when they are read have no size, and one may have grown since.
        var bytes = [UInt8](repeating: 0, count: min(count, max(Int(status.st_size), 1024) + 1))
        var length = 0
        while true {
            if length == bytes.count {
                guard bytes.count < count else { return bytes }
                bytes += [UInt8](repeating: 0, count: min(count - bytes.count, bytes.count))
            }
            let got = unsafe bytes[length...].withUnsafeMutableBytes { buffer in
                unsafe read(descriptor, buffer.baseAddress, buffer.count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw .refused(SystemError()) }
            let isShort = got < bytes.count - length
            length += got
            // A short read at the size that the file has is its end; one that has no size is read until nothing comes.
            guard got > 0, !isShort || length != Int(status.st_size) else { return Array(bytes.prefix(length)) }
        }
    }

    /// All of its bytes.
    ///
    /// - Throws: ``Failure/tooLong(_:)`` beyond `limit` bytes, ``Failure/refused(_:)``.
    package func contents(atMost limit: Int) throws(Failure) -> [UInt8] {
        let bytes = try beginning(limit + 1)
        guard bytes.count <= limit else { throw .tooLong(limit) }
        return bytes
    }

    /// What is at `path`, where something is there and no regular file; it is not opened.
    package static func kindOfOther(at path: String) -> String? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return status.kindOfOther
    }

    /// All of the bytes of the file at `path`.
    ///
    /// - Throws: ``Failure``.
    package static func contents(of path: String, atMost limit: Int) throws(Failure) -> [UInt8] {
        try RegularFile(path).contents(atMost: limit)
    }
}

extension RegularFile.Failure: CustomStringConvertible {
    /// The end of a sentence, after "cannot be read:".
    package var description: String {
        switch self {
        case .refused(let error): error.description
        case .noFile(let kind): "it is \(kind), not a regular file"
        case .tooLong(let limit):
            limit >= 1 << 20 ? "it is larger than \(limit >> 20) MiB" : "it is longer than \(limit) bytes"
        }
    }
}

extension stat {
    /// What this is where it is no regular file.
    package var kindOfOther: String? {
        switch st_mode & S_IFMT {
        case S_IFREG: nil
        case S_IFDIR: "a directory"
        case S_IFIFO: "a named pipe"
        case S_IFSOCK: "a socket"
        case S_IFCHR, S_IFBLK: "a device"
        default: "something else"
        }
    }
}
