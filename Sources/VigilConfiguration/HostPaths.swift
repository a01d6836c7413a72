import FoundationEssentials
import VigilPlatform

extension Wording {
    /// A path as it is, where its directory is there: a secret that was written in its place is not shown.
    static func shown(path: String) -> String {
        let directory = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
        let isPath = !directory.isEmpty && FileManager.default.fileExists(atPath: String(directory))
        return isPath ? path : shown(path)
    }
}

extension Configuration {
    /// What stands on this host where something else is to be written, as sentences.
    ///
    /// The daemon watches tokens all the same; a person who checks the configuration wants to know.
    package var pathProblems: [String] {
        let files = [
            ("status.file", statusFile as String?), ("metrics.textfile", metricsFile),
            ("control.socket", controlSocket),
        ]
        var problems = files.compactMap { key, path -> String? in
            switch path.flatMap({ RegularFile.kindOfOther(at: $0) }) {
            case "a directory"?: return "\(key) \(path ?? "") is a directory: name a file in it"
            case "a device"?: return "\(key) \(path ?? "") is a device: name a file"
            // Anything else is replaced by the file.
            default: return nil
            }
        }
        if isDirectory(stateDirectory) == false {
            problems.append("state.directory \(stateDirectory) is a file: name a directory")
        }
        return problems
    }

    /// `nil` where there is nothing.
    private func isDirectory(_ path: String) -> Bool? {
        var isDirectory = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) ? isDirectory : nil
    }
}
