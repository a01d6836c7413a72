import Glibc

/// Facts about this host and this process.
enum Host {
    /// The name of this host, without its domain.
    static var name: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let name = String(decoding: bytes, as: UTF8.self)
        return name.split(separator: ".").first.map(String.init) ?? "localhost"
    }

    /// Who is at the keyboard, also behind sudo.
    static var userName: String {
        if getuid() == 0, let name = unsafe getenv("SUDO_USER") { return unsafe String(cString: name) }
        guard let entry = unsafe getpwuid(getuid()) else { return "uid \(getuid())" }
        return unsafe String(cString: entry.pointee.pw_name)
    }

    static var processID: Int { Int(getpid()) }

    /// A number from 0 to below 1, to spread probes and retries.
    static func chance() -> Double { Double.random(in: 0..<1) }
}
