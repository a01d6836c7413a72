// Full Foundation, not FoundationEssentials: only that knows the zones by name.
import Foundation
import TokenHealth

extension Fields {
    /// The tokens with the maintenance windows that apply to them.
    func maintained(_ tokens: [WatchedToken]) -> [WatchedToken] {
        var tokens = tokens
        // Also those whose own settings are wrong: that is told once, there.
        let known = (self["tokens"]?.entries("a mapping from names to tokens") ?? []).map(\.name)
        for entry in self["maintenance"]?.entries("a mapping from names to maintenance windows") ?? []
        where entry.value.isName(entry.name, of: "a maintenance window", at: entry.place) {
            guard let fields = entry.value.mapping(.maintenance) else { continue }
            let names = fields.maintainedTokens(among: tokens, known: known)
            guard let window = fields.window(named: entry.name) else { continue }
            var changed: WatchedToken?
            for index in tokens.indices where names.contains(tokens[index].name.text) {
                tokens[index].maintenance.append(window)
                if let changed { tokens[index].share(with: changed) }
                changed = tokens[index]
            }
        }
        return tokens
    }

    private func maintainedTokens(among tokens: [WatchedToken], known: [String]) -> Set<String> {
        switch (self["tokens"], self["provider"]) {
        case (nil, nil):
            setting.report("tokens is missing: a list of tokens, or all; or provider, for all of one provider")
            return []
        case (.some, .some):
            setting.report("tokens and provider exclude each other: name the tokens, or the provider of all of them")
            return []
        case (let list?, nil):
            if case .scalar(let scalar) = list.node.content, scalar.text == "all" { return Set(known) }
            return list.tokenNames(among: known)
        case (nil, let provider?):
            guard let name = provider.text("the name of a provider") else { return [] }
            let found = tokens.filter { $0.provider.name == name }.map(\.name.text)
            if found.isEmpty {
                let providers = Set(tokens.map(\.provider.name)).sorted()
                provider.report(
                    "no token is of provider \(Wording.shown(name))\(Wording.suggestion(for: name, in: providers))"
                )
            }
            return Set(found)
        }
    }

    private func window(named name: String) -> MaintenanceWindow? {
        let from = required("from", "when it begins, as in \"22:00\"")?.minuteOfDay(upTo: 1439)
        let to = required("to", "when it ends, as in \"02:00\"")?.minuteOfDay(upTo: 1440)
        let zone = required("zone", "the time zone, as in Europe/Berlin")?.timeZone()
        let reason = required("reason", "what is done in it")?.text()
        let days = self["days"].map { $0.weekdays() } ?? Set(Weekday.allCases)
        guard let from, let to, let zone, let reason, let days else { return nil }
        return MaintenanceWindow(name: name, reason: reason, days: days, from: from, to: to, zone: zone)
    }
}

extension Setting {
    /// A list of tokens, each of which must be configured.
    fileprivate func tokenNames(among known: [String]) -> Set<String> {
        var names: Set<String> = []
        for element in list("a list of tokens, or all") ?? [] {
            guard let name = element.text("the name of a token") else { continue }
            if known.contains(name) {
                names.insert(name)
            } else {
                element.report("unknown token \(Wording.shown(name))\(Wording.suggestion(for: name, in: known))")
            }
        }
        return names
    }

    fileprivate func weekdays() -> Set<Weekday>? {
        let known = Weekday.allCases.map(\.rawValue)
        guard let elements = list("a list of days: \(Wording.choice(known))") else { return nil }
        var days: Set<Weekday> = []
        for element in elements {
            guard let text = element.text("a day") else { continue }
            if let day = Weekday(rawValue: text.lowercased()) {
                days.insert(day)
            } else {
                element.report("\(Wording.shown(text)) is no day: write \(Wording.choice(known))")
            }
        }
        return days
    }

    /// A time of day in the form `22:00`, in minutes after midnight.
    func minuteOfDay(upTo latest: Int) -> Int? {
        guard let text = text("a time of day, as in \"22:00\"") else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let isPlain = parts.count == 2 && parts[1].count == 2 && (1...2).contains(parts[0].count)
        guard isPlain, text.utf8.allSatisfy({ (0x30...0x3A).contains($0) }), let hour = Int(parts[0]),
            let minute = Int(parts[1]), minute < 60, hour * 60 + minute <= latest
        else {
            report("\(key) \(Wording.shown(text)) is not a time of day: write hours and minutes, as in \"22:00\"")
            return nil
        }
        return hour * 60 + minute
    }

    /// A zone by its IANA name, or UTC.
    func timeZone() -> TimeZone? {
        guard let name = text("the name of a time zone") else { return nil }
        // Abbreviations such as CET mean different things to different people.
        guard name == "UTC" || name.contains("/"), let zone = TimeZone(identifier: name) else {
            report("\(key) \(Wording.shown(name)) is no time zone: write UTC, or a name such as Europe/Berlin")
            return nil
        }
        return zone
    }

    /// An absolute path that fits into the address of a socket (unix(7): 108 bytes, the last one zero).
    func socketPath() -> String? {
        guard let path = absolutePath() else { return nil }
        guard path.utf8.count < 108 else {
            report("\(key) is too long for a socket: at most 107 bytes")
            return nil
        }
        return path
    }
}
