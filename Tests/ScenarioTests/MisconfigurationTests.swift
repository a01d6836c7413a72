import TallyfySimulator
import Testing
import TokenHealth
import VigilConfiguration

/// Mistakes on our side, told as ours.
@Suite struct MisconfigurationTests {
    /// A user's own copy of the built-in provider, without the header it says itself to be required.
    private func withoutClientHeader() throws -> String {
        let yaml = try #require(ProviderCatalog.builtIn.yaml(of: "tallyfy"))
        let copy = yaml.replacing("        X-Tallyfy-Client: APIClient\n", with: "")
        #expect(copy != yaml)
        return copy
    }

    @Test(arguments: [Switches.MissingClientHeader.edge404, .unauthorized])
    func `a required header that is not sent is told as a mistake`(_ mode: Switches.MissingClientHeader) async throws {
        try await withRig(Plan(sections: try withoutClientHeader())) { rig in
            rig.tallyfy.configure { $0.missingClientHeader = mode }
            try await rig.advance(by: .seconds(3000))
            #expect(try rig.report().state == .misconfigured)
            #expect(rig.alerts == ["token.misconfigured"])
            #expect(rig.tallyfy.requests().allSatisfy { !$0.headerNames.contains("X-Tallyfy-Client") })
        }
    }

    @Test func `a 401 for want of a header names the header`() async throws {
        try await withRig(Plan(profile: .seed, sections: try withoutClientHeader())) { rig in
            try await rig.advance(by: .seconds(3000))
            #expect(try rig.belief() == "misconfigured missing_header")
            #expect(try rig.report().explanation.contains("X-Tallyfy-Client"))
            #expect(rig.alerts == ["token.misconfigured"])
        }
    }

    @Test func `a required header that the API does without is no trouble`() async throws {
        try await withRig(Plan(sections: try withoutClientHeader())) { rig in
            rig.tallyfy.configure { $0.missingClientHeader = .allow }
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
        }
    }

    @Test func `a wrong base URL is told as a mistake`() async throws {
        try await withRig(Plan(baseURL: { "\($0.apiURL)/v2" })) { rig in
            try await rig.advance(by: .seconds(3000))
            #expect(try rig.belief() == "misconfigured endpoint")
            #expect(rig.alerts == ["token.misconfigured"])
            #expect(try rig.report().explanation.contains("check base_url"))
        }
    }

    @Test func `the token of another user is told as a changed identity`() async throws {
        try await withRig(Plan(tokens: 2)) { rig in
            try rig.put(rig.secrets[1], at: 0)
            try await rig.advance(by: .seconds(600))
            #expect(try rig.belief(at: 0) == "invalid wrong_identity")
            #expect(try rig.belief(at: 1) == "valid")
            #expect(rig.alerts == ["token.identity_changed"])
        }
    }

    @Test func `a secret file that is emptied is told as a mistake, never as a death`() async throws {
        try await withRig { rig in
            let secret = rig.secrets[0]
            try rig.put("")
            try await rig.advance(by: .seconds(600))
            #expect(try rig.belief() == "misconfigured secret_empty")
            #expect(rig.alerts == ["token.misconfigured"])
            #expect(rig.requests(with: secret).count == 1)
            try rig.put(secret)
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == ["token.misconfigured", "token.recovered"])
        }
    }

    @Test func `a member who is deactivated keeps a token that works for me`() async throws {
        try await withRig { rig in
            rig.tallyfy.deactivateMember(user: rig.users[0], organization: rig.organization)
            try await rig.advance(by: .seconds(600))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
        }
    }
}
