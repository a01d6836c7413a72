import TokenHealth

/// One value of the configuration, read as what is expected there.
///
/// A reader that finds something else reports it and returns `nil`, so that reading goes on to the next problem.
struct Setting {
    let node: ConfigurationNode
    /// The word that messages begin with.
    let key: String
    /// Dotted key, from the root of the file.
    let path: String
    let log: ProblemLog

    func report(_ message: String) {
        log.error(message, at: node.place, path: path)
    }

    /// Reports that something else was expected, without showing the value.
    private func mismatch(_ expectation: String) {
        report("\(key) is \(node.kind): expected \(expectation)")
    }

    // MARK: - Shapes

    /// The single value that stands here.
    func scalar(_ expectation: String) -> Scalar? {
        guard case .scalar(let scalar) = node.content, !scalar.isNull else {
            mismatch(expectation)
            return nil
        }
        return scalar
    }

    /// One line of text, not empty; numbers are taken as they are written.
    func text(_ expectation: String = "text") -> String? {
        guard let scalar = scalar(expectation) else { return nil }
        if let flag = scalar.flag {
            report("\(key) is \(flag): expected \(expectation), put it in quotes if that is the text")
            return nil
        }
        guard scalar.text.contains(where: { !$0.isWhitespace }) else {
            report("\(key) is empty: expected \(expectation)")
            return nil
        }
        guard !scalar.text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) })
        else {
            report("\(key) has a line break or a control character: expected \(expectation) on one line")
            return nil
        }
        return scalar.text
    }

    func flag() -> Bool? {
        guard let scalar = scalar("true or false") else { return nil }
        guard let flag = scalar.flag else {
            report("\(key) \(Wording.shown(scalar.text)) is neither true nor false")
            return nil
        }
        return flag
    }

    /// A whole number in `range`.
    func number(in range: ClosedRange<Int>) -> Int? {
        let expectation = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let scalar = scalar(expectation) else { return nil }
        guard let number = Int(scalar.text), range.contains(number) else {
            report("\(key) \(Wording.shown(scalar.text)) is not \(expectation)")
            return nil
        }
        return number
    }

    /// A duration of at least `minimum`.
    func duration(atLeast minimum: Duration) -> Duration? {
        let form = "a number with a unit, in the form 500ms 30s 5m 2h 7d"
        guard let scalar = scalar(form) else { return nil }
        guard let duration = DurationText.parse(scalar.text) else {
            let hint = Int(scalar.text) == nil ? "" : "; did you mean '\(scalar.text)s'?"
            report("\(key) \(Wording.shown(scalar.text)) is not a duration: write \(form)\(hint)")
            return nil
        }
        guard duration >= minimum else {
            report("\(key) \(Wording.shown(scalar.text)) is too short: at least \(DurationText.format(minimum))")
            return nil
        }
        return duration
    }

    /// A duration within limits that are told.
    func duration(within limits: ClosedRange<Duration>) -> Duration? {
        guard let duration = duration(atLeast: limits.lowerBound) else { return nil }
        guard duration <= limits.upperBound else {
            report(
                "\(key) '\(DurationText.format(duration))' is too long: at most \(DurationText.format(limits.upperBound))"
            )
            return nil
        }
        return duration
    }

    /// The elements of a list, each with its index in the path.
    func list(_ expectation: String, allowsEmpty: Bool = false) -> [Setting]? {
        guard case .sequence(let elements) = node.content else {
            mismatch(expectation)
            return nil
        }
        guard allowsEmpty || !elements.isEmpty else {
            report("\(key) is an empty list: expected \(expectation)")
            return nil
        }
        return elements.enumerated().map { index, element in
            Setting(node: element, key: "\(key)[\(index)]", path: "\(path)[\(index)]", log: log)
        }
    }

    /// A list of texts; `nil` if any of them is none.
    func texts(_ expectation: String) -> [String]? {
        guard let elements = list(expectation) else { return nil }
        let texts = elements.map { $0.text() }
        let found = texts.compactMap(\.self)
        return found.count == texts.count ? found : nil
    }

    /// A mapping from names the user chooses, in the order of the file.
    func entries(_ expectation: @autoclosure () -> String) -> [(name: String, place: Place, value: Setting)]? {
        guard case .mapping(let members) = node.content else {
            mismatch(expectation())
            return nil
        }
        return members.map { member in
            let value = Setting(node: member.value, key: member.key, path: child(member.key), log: log)
            return (member.key, member.keyPlace, value)
        }
    }

    private func child(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// A mapping of one kind; keys it may not have are reported, with the nearest that it may.
    ///
    /// - Parameters:
    ///   - section: the kind.
    ///   - others: further keys that are allowed here; `nil` allows every key that is not a slip of a known one.
    /// - Returns: `nil` where this is no mapping.
    func mapping(_ section: ConfigurationSection, others: [String]? = []) -> Fields? {
        guard let entries = entries(section.expectation) else { return nil }
        let known = section.keys + (others ?? [])
        for entry in entries where !known.contains(entry.name) {
            if others == nil, Wording.nearest(to: entry.name, in: known) == nil { continue }
            reportUnknown(entry.name, at: entry.place, known: known)
        }
        return Fields(section: section, setting: self, entries: entries)
    }

    private func reportUnknown(_ name: String, at place: Place, known: [String]) {
        // Looking for what was meant takes its time.
        let suggestion =
            log.isFull ? "" : Wording.guess(at: name, among: known) ?? Wording.suggestion(for: name, in: known)
        let message = "unknown key \(Wording.shown(name))\(suggestion)"
        log.error(message, at: place, path: name.count > 40 ? path : child(name))
    }
}

/// A mapping whose keys have been checked.
struct Fields {
    let section: ConfigurationSection
    /// The mapping itself.
    let setting: Setting
    /// All its keys in order, known or not.
    let entries: [(name: String, place: Place, value: Setting)]

    init(section: ConfigurationSection, setting: Setting, entries: [(name: String, place: Place, value: Setting)]) {
        self.section = section
        self.setting = setting
        self.entries = entries
    }

    /// The value of a key of this kind of mapping, where it is there.
    subscript(key: String) -> Setting? {
        precondition(section.keys.contains(key), "\(key) is not listed in the section \(section)")
        return entries.first { $0.name == key }?.value
    }

    /// The value of a key that must be there.
    ///
    /// - Parameters:
    ///   - key: one of the section's.
    ///   - purpose: what the message says after "is missing".
    /// - Returns: `nil`, with a problem reported, where it is not there.
    func required(_ key: String, _ purpose: String) -> Setting? {
        if let value = self[key] { return value }
        setting.report("\(key) is missing: \(purpose)")
        return nil
    }
}
