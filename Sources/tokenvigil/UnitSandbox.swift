import FoundationEssentials
import Subprocess
import SystemPackage

/// The surroundings that a unit gives to its processes, for another program to be run in.
struct UnitSandbox: Sendable {
    private let unit: String
    /// As in `User=tokenvigil`.
    let properties: [String]

    /// What says how the service runs, and not in which surroundings.
    private static let others: Set<String> = [
        "Type", "NotifyAccess", "ExecStart", "ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost",
        "ExecCondition", "Restart", "RestartSec", "RestartPreventExitStatus", "RestartForceExitStatus",
        "SuccessExitStatus", "WatchdogSec", "WatchdogSignal", "TimeoutStartSec", "TimeoutStopSec", "TimeoutSec",
        "TimeoutAbortSec", "RuntimeMaxSec", "KillMode", "KillSignal", "PIDFile", "GuessMainPID", "BusName", "Sockets",
        "StandardInput", "StandardOutput", "StandardError", "SyslogIdentifier", "RuntimeDirectoryPreserve",
        "FileDescriptorStoreMax", "RemainAfterExit", "OOMPolicy",
    ]

    /// Reads the unit and its drop-ins; `nil` where there is none, or no service manager.
    init?(of unit: String) async {
        guard let text = await SystemCommand.output("systemctl", ["cat", "--no-pager", unit]), !text.isEmpty else {
            return nil
        }
        self.init(unit: unit, text: text)
    }

    /// - `text`: as `systemctl cat` prints it: unit files one after the other (systemd.syntax(7)).
    init(unit: String, text: String) {
        self.unit = unit
        var properties: [String] = []
        var section = ""
        for line in UnitSandbox.logicalLines(of: text) {
            if line.hasPrefix("["), line.hasSuffix("]") {
                section = line
            } else if section == "[Service]", let equals = line.firstIndex(of: "=") {
                let key = line[..<equals].trimmedOfSpaces
                guard !UnitSandbox.others.contains(key) else { continue }
                properties.append("\(key)=\(line[line.index(after: equals)...].trimmedOfSpaces)")
            }
        }
        self.properties = properties
    }

    /// Lines without comments, what ends in a backslash joined with what follows.
    private static func logicalLines(of text: String) -> [String] {
        var lines: [String] = []
        var begun: String?
        for raw in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let line = raw.trimmedOfSpaces
            if line.hasPrefix("#") || line.hasPrefix(";") { continue }
            let whole = (begun.map { $0 + " " } ?? "") + line
            if whole.hasSuffix("\\") {
                begun = String(whole.dropLast()).trimmedOfSpaces
            } else {
                begun = nil
                if !whole.isEmpty { lines.append(whole) }
            }
        }
        if let begun { lines.append(begun) }
        return lines
    }

    /// Runs this program in there, with this process's output.
    ///
    /// - Returns: its exit code, or why it could not be run.
    func run(_ arguments: [String]) async -> Result<Int32, Finding> {
        guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            return .failure(.note("sandbox", "this program does not know where it is"))
        }
        var command = ["--quiet", "--pipe", "--wait", "--collect", "--service-type=exec"]
        // The daemon's own status file and socket are there.
        command += (properties + ["RuntimeDirectoryPreserve=yes"]).map { "--property=\($0)" }
        if !Terminal.isColoured { command.append("--setenv=NO_COLOR=1") }
        do {
            let result = try await Subprocess.run(
                .name("systemd-run"),
                arguments: Arguments(command + ["--", program] + arguments),
                input: .none,
                output: .fileDescriptor(.standardOutput, closeAfterSpawningProcess: false),
                error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
            )
            // 200 to 243: the service manager could not set the process up, systemd.exec(5).
            if case .exited(let code) = result.terminationStatus, !(200...243).contains(code) { return .success(code) }
            return .failure(
                .bad(
                    "sandbox",
                    "nothing can be run in the surroundings of \(unit) (\(result.terminationStatus))",
                    remedy: "see why with: systemctl status \(unit)"
                )
            )
        } catch {
            return .failure(.note("sandbox", "systemd-run cannot be started: \(error)"))
        }
    }
}

/// Asks a program of this host.
enum SystemCommand {
    /// What it prints; `nil` where it is not there or fails.
    static func output(_ name: String, _ arguments: [String]) async -> String? {
        let result = try? await Subprocess.run(
            .name(name),
            arguments: Arguments(arguments),
            input: .none,
            output: .string(limit: 262_144),
            error: .discarded
        )
        guard let result, result.terminationStatus.isSuccess else { return nil }
        return result.standardOutput
    }
}

extension StringProtocol {
    fileprivate var trimmedOfSpaces: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
