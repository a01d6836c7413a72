import FoundationEssentials
import Glibc
import TokenHealth

extension WallClock {
    /// The clock of this host, in its own time zone.
    static func local(environment: [String: String], at now: Date) -> WallClock {
        tzset()
        return WallClock(zone: zoneName(environment, at: now), offset: { unsafe parts(of: $0).tm_gmtoff })
    }

    /// The local time at `date`, daylight saving time included.
    private static func parts(of date: Date) -> tm {
        var seconds = time_t(date.timeIntervalSince1970.rounded(.down))
        var parts = unsafe tm()
        _ = unsafe localtime_r(&seconds, &parts)
        return unsafe parts
    }

    /// `Europe/Berlin` where the host says so, else what the system calls it, such as `CET`.
    private static func zoneName(_ environment: [String: String], at now: Date) -> String {
        if let name = environment["TZ"], !name.isEmpty { return name.hasPrefix(":") ? String(name.dropFirst()) : name }
        let link = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/etc/localtime")) ?? ""
        if let directory = link.firstRange(of: "zoneinfo/") { return String(link[directory.upperBound...]) }
        let abbreviation = unsafe parts(of: now).tm_zone.map { unsafe String(cString: $0) }
        return abbreviation ?? "UTC"
    }
}
