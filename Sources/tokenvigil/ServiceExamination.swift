/// How the service itself is doing, as the service manager says.
struct ServiceExamination {
    let unit: String

    func findings() async -> [Finding] {
        let names = ["LoadState", "ActiveState", "SubState", "UnitFileState", "NRestarts", "WatchdogUSec", "MainPID"]
        guard
            let text = await SystemCommand.output(
                "systemctl",
                ["show", "--no-pager", "--property=\(names.joined(separator: ","))", unit]
            )
        else { return [.note("service", "there is no service manager to ask")] }
        return ServiceExamination.findings(unit: unit, properties: text)
    }

    /// - `properties`: as `systemctl show` prints them.
    static func findings(unit: String, properties: String) -> [Finding] {
        var values: [Substring: Substring] = [:]
        for line in properties.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            values[line[..<equals]] = line[line.index(after: equals)...]
        }
        guard values["LoadState"] == "loaded" else {
            return [.note("service", "there is no \(unit): the package, or make install, brings it")]
        }
        var findings: [Finding] = []
        if values["ActiveState"] == "active" {
            findings.append(.good("service", "\(unit) is active, process \(values["MainPID"] ?? "?")"))
        } else {
            let state = "\(values["ActiveState"] ?? "?") (\(values["SubState"] ?? "?"))"
            findings.append(.bad("service", "\(unit) is \(state)", remedy: "sudo systemctl enable --now \(unit)"))
        }
        if let restarts = values["NRestarts"], restarts != "0" {
            findings.append(
                .note(
                    "restarts",
                    "the service manager has restarted it \(restarts) times",
                    remedy: "journalctl -u \(unit)"
                )
            )
        }
        if values["UnitFileState"] != "enabled" {
            findings.append(
                .bad("boot", "it does not start with the host", remedy: "sudo systemctl enable \(unit)")
            )
        }
        let watchdog = values["WatchdogUSec"] ?? "0"
        findings.append(
            watchdog == "0" || watchdog == "infinity"
                ? .bad(
                    "watchdog",
                    "it is off: a daemon that hangs is not noticed",
                    remedy: "set WatchdogSec=2min in the unit"
                )
                : .good("watchdog", "on, every \(watchdog)")
        )
        return findings
    }
}
