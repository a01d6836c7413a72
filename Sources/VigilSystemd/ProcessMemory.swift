import CSystemd

/// How this process gets its memory.
package enum ProcessMemory {
    /// Has all threads take memory from one place.
    ///
    /// glibc gives each thread an arena of its own (malloc(3)), and what one gives back no other can use: reading a large
    /// configuration would cost for ever what it took for a second. There are few threads, and they do not fight over it.
    /// To be called before there is a second one, which would keep the arena that it has.
    package static func keepTogether() { _ = csystemd_limit_arenas(1) }

    /// Gives back to the system what is free between what is in use (malloc_trim(3)).
    ///
    /// Reading a configuration of very many tokens takes twice the memory that they take afterwards.
    package static func giveBack() { _ = csystemd_trim_memory() }
}
