import CSystemd
import Glibc

/// Keeps the secrets in this process's memory out of files.
package enum ProcessHardening {
    /// A protection that the system refused.
    package enum Failure: Error, Sendable, Equatable {
        /// setrlimit(RLIMIT_CORE) failed with this errno value.
        case coreLimit(errno: Int32)
        /// prctl(PR_SET_DUMPABLE) failed with this errno value.
        case dumpable(errno: Int32)
    }

    private static let coreSize = __rlimit_resource_t(RLIMIT_CORE.rawValue)

    /// Switches core dumps off for this process, and debuggers of the same user with them.
    ///
    /// The limit is inherited by children; the dumpable flag is not: it is set again by their exec.
    ///
    /// - Throws: when the system refuses either protection.
    package static func disableCoreDumps() throws(Failure) {
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        guard unsafe setrlimit(coreSize, &limit) == 0 else { throw .coreLimit(errno: errno) }
        guard csystemd_set_dumpable(0) == 0 else { throw .dumpable(errno: errno) }
    }

    /// Whether both protections of `disableCoreDumps` are in force.
    package static var coreDumpsAreDisabled: Bool {
        var limit = rlimit()
        guard unsafe getrlimit(coreSize, &limit) == 0 else { return false }
        return limit.rlim_max == 0 && csystemd_get_dumpable() == 0
    }
}

extension ProcessHardening.Failure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .coreLimit(let code): "cannot switch core dumps off with setrlimit: \(errorText(code))"
        case .dumpable(let code): "cannot switch core dumps off with prctl: \(errorText(code))"
        }
    }
}
