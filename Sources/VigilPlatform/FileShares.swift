import Glibc

/// How the files that this process may have open are shared among what opens many: none may take what others need.
///
/// What is left is for the program itself: its database, its logs, secrets that are read, files that are written.
package struct FileShares: Sendable, Hashable {
    /// Connections to hosts that are probed and told.
    package let connections: Int
    /// Callers of the status page.
    package let pageCallers: Int
    /// Callers of the control socket.
    package let controlCallers: Int
    /// Programs of one purpose that run at once; each takes some eight.
    package let programs: Int

    /// - Parameter limit: how many files may be open.
    package init(limit: Int) {
        connections = min(max(limit / 2, 4), 4096)
        pageCallers = min(max(limit / 16, 8), 128)
        controlCallers = min(max(limit / 32, 4), 16)
        programs = min(max(limit / 64, 1), 256)
    }

    /// By the limit that holds now; by a small one where it is not known.
    package static var ofThisProcess: FileShares {
        var limit = rlimit()
        let isKnown = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return FileShares(limit: isKnown ? Int(clamping: limit.rlim_cur) : 512)
    }
}
