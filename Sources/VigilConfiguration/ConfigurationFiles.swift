import FoundationEssentials
import Glibc
import VigilPlatform

/// Reads the main file and its drop-ins, and merges them into one tree.
struct ConfigurationFiles {
    /// Largest file that is read, in bytes.
    static let sizeLimit = 64 * 1024 * 1024

    let log: ProblemLog

    /// Sections whose members may come from several files.
    private static let mergeable: [ConfigurationSection.RawValue: String] = [
        "tokens": "token", "providers": "provider", "notifiers": "notifier",
        "defaults": "key", "state": "key", "status": "key", "heartbeat": "key", "control": "key",
        "maintenance": "maintenance window",
    ]

    /// All that the files say, merged by key, or `nil` where none of it can be read.
    func merged(path: String) -> (root: ConfigurationNode, files: [String])? {
        guard let main = tree(path, hint: "; 'tokenvigil config init' writes one to begin with") else { return nil }
        let paths = dropIns(beside: path)
        let trees = [main] + paths.compactMap { tree($0, hint: "") }
        return (merge(trees), [path] + paths)
    }

    /// The tree of one text, for callers that have read it themselves.
    func tree(text: String, file: String) -> ConfigurationNode? {
        do {
            return try YAMLText(text, file: file).root()
        } catch {
            error.problems.forEach(log.error)
            return nil
        }
    }

    // MARK: - Reading

    private func tree(_ path: String, hint: String) -> ConfigurationNode? {
        guard let data = contents(of: path, hint: hint) else { return nil }
        guard let text = String(validating: data, as: UTF8.self) else {
            log.error(problem(ofEncoding: data, in: path))
            return nil
        }
        return tree(text: text, file: path)
    }

    /// Says where a file stops being UTF-8, and what it could be instead.
    private func problem(ofEncoding data: [UInt8], in path: String) -> Problem {
        let marks: [[UInt8]] = [[0xFF, 0xFE], [0xFE, 0xFF]]
        if marks.contains(where: data.starts) {
            return Problem("UTF-16 text: save the file as UTF-8", at: Place(file: path, line: 1, column: 1))
        }
        // What cannot be decoded is replaced, so that the two texts part where it stands.
        let repaired = String(decoding: data, as: UTF8.self)
        let good = zip(repaired.utf8, data).prefix { $0 == $1 }.count
        let before = String(decoding: data.prefix(good), as: UTF8.self)
        let line = before.count(where: \.isNewline) + 1
        let column = before.unicodeScalars.reversed().prefix { !"\n\r".unicodeScalars.contains($0) }.count + 1
        let byte = data.count > good ? String(data[good], radix: 16, uppercase: true) : ""
        return Problem(
            "not UTF-8 text: the byte \(byte), as in Latin-1; save the file as UTF-8",
            at: Place(file: path, line: line, column: column)
        )
    }

    private func contents(of path: String, hint: String) -> [UInt8]? {
        do throws(RegularFile.Failure) {
            return try RegularFile.contents(of: path, atMost: ConfigurationFiles.sizeLimit)
        } catch {
            log.error(Problem(message(of: error, hint: hint), inFile: path))
            return nil
        }
    }

    private func message(of failure: RegularFile.Failure, hint: String) -> String {
        switch failure {
        case .noFile: "not a regular file\(hint)"
        case .tooLong(let limit): "larger than \(limit / 1024 / 1024) MiB"
        case .refused(let error) where error.code == ENOENT: "cannot be read: there is no such file\(hint)"
        case .refused(let error) where error.code == EACCES: "cannot be read: permission denied\(hint)"
        case .refused(let error): "cannot be read: \(error)\(hint)"
        }
    }

    private func reason(of error: any Error) -> String {
        switch (error as? CocoaError)?.code {
        case .fileReadNoSuchFile, .fileNoSuchFile: "there is no such file"
        case .fileReadNoPermission: "permission denied"
        default: "the file system refused"
        }
    }

    /// `conf.d/*.yaml` beside the main file, in the order of their names.
    private func dropIns(beside path: String) -> [String] {
        let directory = URL(filePath: path).deletingLastPathComponent().appending(path: "conf.d").path
        guard FileManager.default.fileExists(atPath: directory) else { return [] }
        do {
            let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { !$0.hasPrefix(".") }
            for name in names.sorted() where name.hasSuffix(".yml") {
                log.warning(Problem("not read: only names that end in .yaml are", inFile: "\(directory)/\(name)"))
            }
            return names.filter { $0.hasSuffix(".yaml") }.sorted().map { "\(directory)/\($0)" }
        } catch {
            log.error(Problem("cannot be read: \(reason(of: error))", inFile: directory))
            return []
        }
    }

    // MARK: - Merging

    /// One tree with the members of all; what is in two of them is an error that names both places.
    private func merge(_ trees: [ConfigurationNode]) -> ConfigurationNode {
        var members: [ConfigurationNode.Member] = []
        var indices: [String: Int] = [:]
        for tree in trees {
            guard case .mapping(let added) = tree.content else {
                log.error("the file is \(tree.kind): expected a mapping with version and tokens", at: tree.place)
                continue
            }
            for member in added {
                if let index = indices[member.key] {
                    merge(member, into: &members[index])
                } else {
                    indices[member.key] = members.count
                    members.append(member)
                }
            }
        }
        return ConfigurationNode(content: .mapping(members), place: trees[0].place)
    }

    /// Adds what another file says of the same key.
    private func merge(_ member: ConfigurationNode.Member, into earlier: inout ConfigurationNode.Member) {
        // Every file may say which version it is written for.
        if member.key == "version" {
            _ = Setting(node: member.value, key: "version", path: "version", log: log).version()
            return
        }
        if earlier.value.isNull || member.value.isNull {
            // An empty section says nothing; what another file says of it holds.
            if earlier.value.isNull { earlier = member }
            return
        }
        guard let what = ConfigurationFiles.mergeable[member.key], case .mapping(let added) = member.value.content,
            case .mapping(var merged) = earlier.value.content
        else {
            log.error("'\(member.key)' is already set at \(earlier.keyPlace)", at: member.keyPlace, path: member.key)
            return
        }
        let places = Dictionary(merged.map { ($0.key, $0.keyPlace) }) { first, _ in first }
        for inner in added {
            guard let first = places[inner.key] else {
                merged.append(inner)
                continue
            }
            log.error(
                "duplicate \(what) \(Wording.shown(inner.key)): it is already defined at \(first)",
                at: inner.keyPlace,
                path: "\(member.key).\(inner.key)"
            )
        }
        let value = ConfigurationNode(content: .mapping(merged), place: earlier.value.place)
        earlier = ConfigurationNode.Member(key: earlier.key, keyPlace: earlier.keyPlace, value: value)
    }
}

extension Setting {
    /// The version of the form of a file; there is only one so far.
    func version() -> Int? {
        guard let scalar = scalar("1") else { return nil }
        guard scalar.text == "1" else {
            report("version \(Wording.shown(scalar.text)) is not known: this program reads version 1")
            return nil
        }
        return 1
    }
}
