import CSystemd
import Glibc

/// A file in memory without a name, gone with its last descriptor.
package enum MemoryFile {
    /// Opens an empty one, which no child inherits by itself.
    ///
    /// - Returns: the descriptor; or the negative of what `errno` says.
    package static func open() -> CInt {
        let descriptor = csystemd_memory_file()
        return descriptor < 0 ? -errno : descriptor
    }
}
