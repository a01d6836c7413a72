import CSystemd
import Glibc

/// Processes that children of this one leave behind: a mailer that goes on delivering in the background.
///
/// A service that ends takes them with it, so it has to outlast them.
package enum Orphans {
    /// Makes this process the parent of every descendant whose own parent ends.
    package static func adopt() {
        // Where the kernel refuses they go to init, and `outlast` has none to wait for.
        _ = csystemd_become_subreaper()
    }

    /// Returns when no descendant is left.
    ///
    /// Blocks this thread; the service manager's time limit is the bound.
    package static func outlast() {
        while true {
            let result = waitpid(-1, nil, 0)
            if result < 0 && errno != EINTR { return }
        }
    }
}
