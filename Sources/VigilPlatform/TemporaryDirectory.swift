import Glibc

/// A directory for a while, of this user's alone.
package enum TemporaryDirectory {
    /// Makes a new one below `$TMPDIR` or /tmp, with mode 0700; the end of its name cannot be foreseen, and one that is there
    /// already is never taken.
    ///
    /// - Parameter name: how its name begins.
    /// - Returns: its path.
    /// - Throws: ``SystemError``.
    package static func make(named name: String) throws(SystemError) -> String {
        let variable = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? ""
        var template = Array("\(variable.hasPrefix("/") ? variable : "/tmp")/\(name)-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SystemError() }
        return String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
