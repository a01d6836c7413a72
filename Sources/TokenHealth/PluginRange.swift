/// A threshold as the Monitoring Plugins guidelines write it: `[@][start:][end]`.
///
/// There is an alert outside of it, both ends belonging to it: `10` below 0 and above 10, `10:` below 10, `~:10` above 10,
/// `10:20` outside of 10 to 20. With `@` there is one inside of it: `@10:20` from 10 to 20.
package struct PluginRange: Sendable, Hashable, CustomStringConvertible {
    /// Minus infinity for `~`.
    private let start: Double
    /// Infinity where it is left out.
    private let end: Double
    private let alertsInside: Bool

    /// Reads a range; `nil` where it is none, such as one that ends before it starts.
    package init?(_ text: String) {
        alertsInside = text.hasPrefix("@")
        let parts = text.dropFirst(alertsInside ? 1 : 0).split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.contains(where: { !$0.isEmpty && $0 != "~" }) else { return nil }
        let lower = parts.count == 1 ? "" : parts[0]
        let upper = parts[parts.count - 1]
        switch lower {
        case "": start = 0
        case "~": start = -.infinity
        default:
            guard let number = PluginRange.number(lower) else { return nil }
            start = number
        }
        if parts.count == 2, upper.isEmpty {
            end = .infinity
        } else {
            guard let number = PluginRange.number(upper) else { return nil }
            end = number
        }
        guard start <= end else { return nil }
    }

    private init(start: Double, end: Double, alertsInside: Bool) {
        self.start = start
        self.end = end
        self.alertsInside = alertsInside
    }

    /// A decimal number below a billion; neither `inf` nor `0x10`.
    private static func number(_ text: Substring) -> Double? {
        let digits = text.drop { $0 == "-" }
        let isDecimal =
            text.utf8.count - digits.utf8.count <= 1 && digits.utf8.first != 0x2E
            && digits.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
        guard isDecimal, let number = Double(text), abs(number) < 1_000_000_000 else { return nil }
        return number
    }

    /// Whether `value` is one to tell of.
    package func alerts(on value: Double) -> Bool {
        (start...end).contains(value) == alertsInside
    }

    /// The same range in another unit, to whole ones: days are 86,400 seconds.
    package func scaled(by factor: Double) -> PluginRange {
        PluginRange(
            start: (start * factor).rounded(),
            end: (end * factor).rounded(),
            alertsInside: alertsInside
        )
    }

    /// The shortest text that says the same.
    package var description: String {
        let upper = end == .infinity ? "" : PluginRange.text(end)
        let lower: String
        if start == -.infinity {
            lower = "~:"
        } else {
            lower = start == 0 && end != .infinity ? "" : PluginRange.text(start) + ":"
        }
        return (alertsInside ? "@" : "") + lower + upper
    }

    private static func text(_ number: Double) -> String {
        Int(exactly: number).map(String.init) ?? "\(number)"
    }
}
