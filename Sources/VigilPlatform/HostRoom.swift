import Glibc

/// What the host lets this process have: open files and threads.
package enum HostRoom {
    /// Why this process cannot do its work.
    package enum Want: Error, Sendable, Hashable {
        /// No more files can be open at once than so many, beside those that are.
        case files(Int)
        /// No more threads can be had than so many.
        case threads(started: Int, needed: Int, error: SystemError)
    }

    /// Enough for the watch of a few hosts: what the program itself has open is some 40.
    package static let fewestFiles = 60
    /// More are not asked for: programs that it starts may go through all of them.
    private static let mostFiles: rlim_t = 65_536

    /// Raises the limit of open files to what is allowed: the usual one of 1,024 is for programs that use select(2).
    ///
    /// - Returns: how many are allowed now.
    @discardableResult
    package static func raiseLimitOfFiles() -> Int {
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard unsafe getrlimit(files, &limit) == 0 else { return fewestFiles }
        let wanted = min(limit.rlim_max, mostFiles)
        if limit.rlim_cur < wanted {
            var raised = rlimit(rlim_cur: wanted, rlim_max: limit.rlim_max)
            if unsafe setrlimit(files, &raised) == 0 { return Int(wanted) }
        }
        return Int(min(limit.rlim_cur, mostFiles))
    }

    /// Finds out whether there is room for the work, before anything that could not do without it.
    ///
    /// - Parameter threads: how many are needed at once.
    /// - Throws: ``Want``.
    package static func check(threads: Int) throws(Want) {
        raiseLimitOfFiles()
        try tryFiles(fewestFiles)
        try tryThreads(threads)
    }

    /// Opens so many files, and closes them.
    static func tryFiles(_ count: Int) throws(Want) {
        var opened: [CInt] = []
        defer { opened.forEach { close($0) } }
        // Not for programs that another thread starts meanwhile.
        let first = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard first >= 0 else { throw .files(0) }
        opened.append(first)
        while opened.count < count {
            let copy = fcntl(first, F_DUPFD_CLOEXEC, 0)
            guard copy >= 0 else { throw .files(opened.count) }
            opened.append(copy)
        }
    }

    /// Starts so many threads at once, and ends them.
    private static func tryThreads(_ count: Int) throws(Want) {
        // Each waits for the end of the pipe, which comes when all of them have begun.
        var pipe: [CInt] = [-1, -1]
        guard unsafe Glibc.pipe(&pipe) == 0 else { throw .files(0) }
        var threads: [pthread_t] = []
        var failure: SystemError?
        for _ in 0..<count {
            var thread = pthread_t()
            let end = unsafe UnsafeMutableRawPointer(bitPattern: Int(pipe[0]) + 1)
            let code = unsafe pthread_create(
                &thread,
                nil,
                { end in
                    var byte: UInt8 = 0
                    _ = unsafe read(CInt(Int(bitPattern: end) - 1), &byte, 1)
                    return nil
                },
                end
            )
            guard code == 0 else {
                failure = SystemError(code)
                break
            }
            threads.append(thread)
        }
        close(pipe[1])
        for thread in threads { pthread_join(thread, nil) }
        close(pipe[0])
        if let failure { throw .threads(started: threads.count, needed: count, error: failure) }
    }
}

extension HostRoom.Want: CustomStringConvertible {
    package var description: String {
        switch self {
        case .files(let count):
            "this process may open only \(count) files at once, and needs \(HostRoom.fewestFiles) at least: raise the limit "
                + "(ulimit -n, LimitNOFILE= in the unit, --ulimit nofile= of a container)"
        case .threads(let started, let needed, let error):
            "this process can start only \(started) of the \(needed) threads that it needs (\(error)): raise the limit of "
                + "processes or memory (ulimit -u, TasksMax= in the unit, --pids-limit of a container)"
        }
    }
}
