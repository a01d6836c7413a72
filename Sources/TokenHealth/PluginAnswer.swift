/// All that a monitoring plugin has to say, as the Monitoring Plugins guidelines want it.
package struct PluginAnswer: Sendable, Hashable {
    package let status: PluginStatus
    /// The first line, without the status before it and the numbers behind it.
    package let text: String
    package let data: [PerformanceDatum]
    /// What follows the first line.
    package let details: [String]

    package init(_ status: PluginStatus, _ text: String, data: [PerformanceDatum] = [], details: [String] = []) {
        self.status = status
        self.text = text
        self.data = data
        self.details = details
    }

    /// Most characters before the numbers: readers cut what they are told at 8 KiB, some at 4.
    private static let limit = 3000

    /// The lines to print; a `|` or a line break in any of the words has become harmless.
    package var lines: [String] {
        let numbers = data.isEmpty ? "" : " | " + data.map(\.description).joined(separator: " ")
        let first = "TOKENVIGIL \(status.word) - \(text.pluginText)".shortened(to: PluginAnswer.limit)
        return [first + numbers]
            + details.map { line in
                String(line.prefix { $0 == " " }) + line.pluginText.drop { $0 == " " }
            }
    }
}
