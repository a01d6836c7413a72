import Glibc

/// What the first process of a container owes to the others there: to bury those whose parents are gone.
///
/// It is done by a process of its own, so that nothing is taken from the parts of this program that wait for programs
/// which they have started.
package enum FirstProcess {
    /// Where this is the first process, runs the program once more, passes signals on to it, and buries everybody else.
    ///
    /// To be called before there is a second thread.
    ///
    /// - Parameter arguments: of the command line, with the name of the program.
    /// - Returns: what to end with, once the program has ended; `nil` where this is not the first process, or cannot start
    ///   another.
    package static func standIn(arguments: [String]) -> Int32? {
        guard getpid() == 1 else { return nil }
        var (all, usual) = (sigset_t(), sigset_t())
        guard unsafe sigfillset(&all) == 0, unsafe pthread_sigmask(SIG_BLOCK, &all, &usual) == 0 else { return nil }
        guard let child = start(arguments, signals: usual) else {
            _ = unsafe pthread_sigmask(SIG_SETMASK, &usual, nil)
            return nil
        }
        while true {
            var information = unsafe siginfo_t()
            let number = unsafe sigwaitinfo(&all, &information)
            if number == SIGCHLD {
                if let status = bury(expecting: child) { return status }
            } else if number > 0, unsafe information.si_code <= 0 {
                // Sent by somebody. What the kernel sends for a terminal reaches the other process as well.
                kill(child, number)
            }
        }
    }

    private static func start(_ arguments: [String], signals: sigset_t) -> pid_t? {
        var attributes = posix_spawnattr_t()
        guard unsafe posix_spawnattr_init(&attributes) == 0 else { return nil }
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var mask = signals
        guard unsafe posix_spawnattr_setsigmask(&attributes, &mask) == 0,
            unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK)) == 0
        else { return nil }
        let words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var child = pid_t()
        // Where /proc is not mounted the program is found by its name.
        for path in ["/proc/self/exe", arguments.first ?? ""]
        where unsafe posix_spawnp(&child, path, nil, &attributes, words, environ) == 0 {
            return child
        }
        return nil
    }

    /// Buries all that have ended.
    ///
    /// - Returns: how `child` has ended, as a shell would say it; `nil` while it is alive.
    private static func bury(expecting child: pid_t) -> Int32? {
        var ending: Int32?
        while true {
            var status: Int32 = 0
            let buried = unsafe waitpid(-1, &status, WNOHANG)
            if buried < 0, errno == EINTR { continue }
            guard buried > 0 else { return ending }
            guard buried == child else { continue }
            let signal = status & 0x7F
            ending = signal == 0 ? (status >> 8) & 0xFF : 128 + signal
        }
    }
}
