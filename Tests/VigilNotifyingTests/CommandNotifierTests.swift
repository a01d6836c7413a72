import TokenHealth
import Testing

@testable import VigilNotifying

@Suite struct `The command notifier` {
    private func deliver(_ alert: Alert, to script: String, arguments: [String] = [], in workshop: Workshop)
        async throws -> DeliveryResult
    {
        let program = try await workshop.script("cd \"${0%/*}\" || exit 99\n\(script)", named: "page")
        return await CommandNotifier(.init(argv: [program] + arguments)).deliver(alert)
    }

    private static let names = [
        "KIND", "SEVERITY", "SUMMARY", "TOKEN", "STATE", "REASON", "INCIDENT", "ALERT", "HOST", "OWNER",
    ]

    @Test func `gives the document and the gist`() async throws {
        try await Workshop.open { workshop in
            let alert = Samples.alert(.invalidated)
            let script = "cat > document; env > environment; printf '%s\\n' \"$@\" > arguments"
            let result = try await deliver(alert, to: script, arguments: ["a b", "$HOME; rm", "-x"], in: workshop)
            #expect(result == .delivered("\(workshop.path)/page ended well"))
            #expect(try Array(workshop.contents(of: "document").utf8) == AlertDocument(alert: alert).encoded())
            #expect(try workshop.contents(of: "arguments") == "a b\n$HOME; rm\n-x\n")
            let variables = try workshop.contents(of: "environment").split(separator: "\n").filter {
                $0.hasPrefix("TOKENVIGIL_")
            }
            #expect(
                Set(variables) == [
                    "TOKENVIGIL_KIND=token.invalidated", "TOKENVIGIL_SEVERITY=critical",
                    "TOKENVIGIL_SUMMARY=INVALID hr-onboarding (revoked) on srv1", "TOKENVIGIL_TOKEN=hr-onboarding",
                    "TOKENVIGIL_STATE=invalid", "TOKENVIGIL_REASON=revoked", "TOKENVIGIL_INCIDENT=\(Samples.incident)",
                    "TOKENVIGIL_ALERT=\(alert.id)", "TOKENVIGIL_HOST=srv1.example.com",
                    "TOKENVIGIL_OWNER=api-bot@example.com",
                ]
            )
        }
    }

    @Test func `sets every variable, so that a strict script can read them`() async throws {
        try await Workshop.open { workshop in
            let uses = Self.names.map { "\"$TOKENVIGIL_\($0)\"" }.joined(separator: " ")
            let result = try await deliver(Samples.alert(.test), to: "set -u; : \(uses)", in: workshop)
            guard case .delivered = result else { return reject("\(result)") }
        }
    }

    @Test(arguments: Samples.hostileTexts)
    func `lets no text become another variable`(_ hostile: HostileText) {
        let text = hostile.text
        let environment = CommandNotifier.environment(of: Samples.hostile(text))
        #expect(Set(environment.keys) == Set(Self.names.map { "TOKENVIGIL_\($0)" }))
        for value in environment.values { #expect(!value.utf8.contains { $0 < 0x20 || $0 == 0x7F }) }
    }

    @Test func `believes the exit status`() async throws {
        try await Workshop.open { workshop in
            guard case .failed = try await deliver(Samples.alert(.test), to: "exit 75", in: workshop),
                case .refused = try await deliver(Samples.alert(.test), to: "exit 77", in: workshop)
            else { return reject("the exit status is not believed") }
        }
    }

    @Test func `needs a program`() async {
        guard case .refused = await CommandNotifier(.init(argv: [])).deliver(Samples.alert(.test)) else {
            return reject("an empty command is not refused")
        }
    }
}
