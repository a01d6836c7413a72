package import FoundationEssentials

extension Alert {
    private static let checkPrefix = "check-"

    /// Whether it only finds out whether a notifier works again.
    package var isNotifierCheck: Bool { kind == .test && id.hasPrefix(Alert.checkPrefix) }

    fileprivate static func checkID(of notifier: String, at now: Date) -> String {
        "\(checkPrefix)\(notifier)-\(now.compactUTC)"
    }
}

extension AlertComposer {
    /// The test that a failing notifier is given when nothing else waits for it.
    package func checkAlert(of notifier: String, at now: Date) -> Alert {
        Alert(
            id: Alert.checkID(of: notifier, at: now),
            kind: .test,
            severity: AlertKind.test.severity,
            createdAt: now,
            summary: "TEST of \(notifier) on \(host), which did not deliver: if you read this, it does again",
            host: host
        )
    }
}

/// An alert that was given up, and that nobody else has got or will get.
package struct LostAlert: Sendable, Hashable {
    package let summary: String
    package let notifier: String
    package let at: Date
    package let error: String?

    package init(summary: String, notifier: String, at: Date, error: String?) {
        self.summary = summary
        self.notifier = notifier
        self.at = at
        self.error = error
    }
}
