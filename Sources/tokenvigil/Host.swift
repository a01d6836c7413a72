import Glibc
import Synchronization

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
    ///
    /// It guards nothing, and need not cost a call of the kernel each time.
    static func chance() -> Double { chances.withLock { Double.random(in: 0..<1, using: &$0) } }

    private static let chances = Mutex(SplitMix())
}

/// SplitMix64, begun anew in every process (Steele, Lea and Flood 2014): Swift has no other generator than the kernel's.
private struct SplitMix: RandomNumberGenerator {
    private var state = UInt64.random(in: .min ... .max)

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
