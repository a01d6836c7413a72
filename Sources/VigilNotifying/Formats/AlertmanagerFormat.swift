import FoundationEssentials
import TokenHealth

/// What Alertmanager posts to a webhook, version 4 (prometheus.io, `webhook_config`), for receivers written for it.
struct AlertmanagerFormat: MessageFormat {
    let maximumSize = AlertDocument.maximumSize
    /// Name of this notifier.
    let receiver: String

    func message(about story: AlertStory) throws -> [UInt8] {
        let alerts = AlertmanagerAlert.all(of: story)
        // Some tokens of the group may still be dead.
        let isOver = story.isRecovery && story.alert.openTokens == 0 || story.alert.kind == .replaced
        let group = AlertmanagerFormat.common(alerts.map(\.labels))
            .filter { ["alertname", "incident"].contains($0.key) }
        let key = group.sorted { $0.key < $1.key }.map { "\($0)=\(AlertmanagerFormat.quoted($1))" }
        let message: JSONValue = [
            "version": "4",
            "groupKey": .string("{}:{\(key.joined(separator: ", "))}"),
            "truncatedAlerts": JSONValue(alerts.contains { $0.token != nil } ? story.alert.omittedTokens : 0),
            "status": isOver ? "resolved" : "firing",
            "receiver": .string(receiver),
            "groupLabels": AlertmanagerFormat.object(group),
            "commonLabels": AlertmanagerFormat.object(AlertmanagerFormat.common(alerts.map(\.labels))),
            "commonAnnotations": AlertmanagerFormat.object(AlertmanagerFormat.common(alerts.map(\.annotations))),
            // There is no page of ours to look at.
            "externalURL": "",
            "alerts": .array((AlertmanagerAlert.former(of: story) + alerts).map(AlertmanagerFormat.object)),
        ]
        return try message.encoded()
    }

    private static func object(_ alert: AlertmanagerAlert) -> JSONValue {
        [
            "status": alert.endsAt == nil ? "firing" : "resolved",
            "labels": object(alert.labels),
            "annotations": object(alert.annotations),
            "startsAt": .string(alert.startsAt.rfc3339),
            // The zero time of Go stands for "not yet".
            "endsAt": .string(alert.endsAt?.rfc3339 ?? "0001-01-01T00:00:00Z"),
            "generatorURL": .string(alert.generatorURL ?? ""),
            "fingerprint": .string(alert.fingerprint),
        ]
    }

    private static func object(_ texts: [String: String]) -> JSONValue {
        .object(texts.mapValues(JSONValue.string))
    }

    /// What is the same in all of them.
    private static func common(_ all: [[String: String]]) -> [String: String] {
        all.dropFirst().reduce(all.first ?? [:]) { common, next in common.filter { next[$0.key] == $0.value } }
    }

    private static func quoted(_ text: String) -> String {
        "\"\(text.backslashed)\""
    }
}
