/// One number for a graph, as plugins print it behind the `|`: `'label'=value[unit];[warning];[critical];[min];[max]`.
package struct PerformanceDatum: Sendable, Hashable, CustomStringConvertible {
    private let label: String
    private let value: String
    private let warning: PluginRange?
    private let critical: PluginRange?
    private let minimum: Int?
    private let maximum: Int?

    private init(
        _ label: String,
        _ value: String,
        warning: PluginRange? = nil,
        critical: PluginRange? = nil,
        minimum: Int? = nil,
        maximum: Int? = nil
    ) {
        self.label = label
        self.value = value
        self.warning = warning
        self.critical = critical
        self.minimum = minimum
        self.maximum = maximum
    }

    /// How many there are, of so many.
    package static func count(_ label: String, _ count: Int, of all: Int) -> PerformanceDatum {
        PerformanceDatum(label, "\(count)", minimum: 0, maximum: all)
    }

    /// A length of time, in seconds to the millisecond; never below 0.
    package static func length(_ label: String, milliseconds: Int) -> PerformanceDatum {
        let text = milliseconds.isMultiple(of: 1000) ? "\(milliseconds / 1000)" : "\(Double(milliseconds) / 1000)"
        return PerformanceDatum(label, text + "s", minimum: 0)
    }

    /// Seconds until something, negative where it is over; the thresholds are in seconds, too.
    package static func until(
        _ label: String,
        seconds: Int,
        warning: PluginRange?,
        critical: PluginRange?
    ) -> PerformanceDatum {
        PerformanceDatum(label, "\(seconds)s", warning: warning, critical: critical)
    }

    package var description: String {
        let fields = [
            warning?.description ?? "", critical?.description ?? "", minimum.map(String.init) ?? "",
            maximum.map(String.init) ?? "",
        ]
        let last = fields.lastIndex { !$0.isEmpty }.map { $0 + 1 } ?? 0
        return ([PerformanceDatum.quoted(label) + "=" + value] + fields.prefix(last)).joined(separator: ";")
    }

    /// The label as readers take it: in quotes where it needs them, a quote doubled, without `=`.
    private static func quoted(_ label: String) -> String {
        let text = label.pluginText.replacing("=", with: "_")
        let isPlain = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == 0x2D || byte == 0x2E || byte == 0x5F
        }
        return isPlain && !text.isEmpty ? text : "'" + text.replacing("'", with: "''") + "'"
    }
}

extension String {
    /// This text as a plugin may print it: on one line, and without the `|` that begins the performance data.
    var pluginText: String { oneLine.replacing("|", with: "/") }
}
