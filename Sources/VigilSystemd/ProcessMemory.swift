import CSystemd

/// How this process gets its memory.
package enum ProcessMemory {
    /// Has all threads take memory from one place.
    ///
    /// glibc gives each thread an arena of its own (malloc(3)), and what one gives back no other can use: reading a large
    /// configuration would cost for ever what it took for a second. There are few threads, and they do not fight over it.
    package static func keepTogether() { _ = csystemd_limit_arenas(1) }
}
