import Glibc

/// Groups of this host, by name.
package enum Accounts {
    /// The number of the group, or `nil` where there is none of this name.
    package static func groupID(of name: String) -> UInt32? {
        var entry = unsafe group()
        var found: UnsafeMutablePointer<group>?
        var buffer = [CChar](repeating: 0, count: 64 * 1024)
        guard unsafe getgrnam_r(name, &entry, &buffer, buffer.count, &found) == 0 else { return nil }
        return unsafe found?.pointee.gr_gid
    }
}
