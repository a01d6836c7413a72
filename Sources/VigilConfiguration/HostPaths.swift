import FoundationEssentials

extension Configuration {
    /// What stands on this host where something else is to be written, as sentences.
    ///
    /// The daemon watches tokens all the same; a person who checks the configuration wants to know.
    package var pathProblems: [String] {
        let files = [
            ("status.file", statusFile as String?), ("metrics.textfile", metricsFile),
            ("control.socket", controlSocket),
        ]
        var problems = files.compactMap { key, path in
            path.flatMap { isDirectory($0) == true ? "\(key) \($0) is a directory: name a file in it" : nil }
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
