import FoundationEssentials
import TallyfySimulator
import Testing
import TokenHealth
import VigilConfiguration

/// A token that works, for somebody who is no longer where it is needed.
@Suite struct OrganizationTests {
    private static let plan = Plan(token: ["organization: $ORGANIZATION"])

    @Test func `a member who is deactivated is told, though the token works`() async throws {
        try await withRig(OrganizationTests.plan) { rig in
            try await rig.advance(by: .seconds(3600))
            #expect(rig.alerts == [])
            rig.tallyfy.deactivateMember(user: rig.users[0], organization: rig.organization)
            try await rig.advance(by: .seconds(1080))
            #expect(try rig.belief() == "limited organization_lost")
            #expect(rig.alerts == ["token.limited"])
            #expect(rig.bodies.last?.text("/data/summary") == "LIMITED bot-0 (organization_lost) on srv1")
            let step = rig.bodies.last?.text("/data/remedy/steps/0") ?? ""
            #expect(step.contains("administrator of the organization \(rig.organization)"))
            rig.tallyfy.reactivateMember(user: rig.users[0], organization: rig.organization)
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == ["token.limited", "token.recovered"])
        }
    }

    @Test func `a request within the organization that finds nothing is explained by the loss`() async throws {
        try await withRig(Plan(token: ["organization: $ORGANIZATION", "probe: tasks"])) { rig in
            rig.tallyfy.deactivateMember(user: rig.users[0], organization: rig.organization)
            try await rig.advance(by: .seconds(600))
            #expect(try rig.belief() == "limited organization_lost")
        }
    }

    @Test func `of two hundred organizations the last is found, and no look makes more than two requests`()
        async throws
    {
        var plan = OrganizationTests.plan
        plan.otherOrganizations = 199
        try await withRig(plan) { rig in
            try await rig.advance(by: .seconds(3600))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
            let requests = rig.tallyfy.requests()
            // Eight pages of twenty-five for the first time, and then the one it was found on.
            #expect(requests.count { $0.path.hasSuffix("/me/organizations") } == 8 + 3)
            let perLook = Dictionary(grouping: requests) { Int($0.at.timeIntervalSince1970) / 30 }.mapValues(\.count)
            #expect(perLook.values.max() == 2)
        }
    }

    /// The built-in provider with pages as long as the API allows.
    private static func longPages() throws -> String {
        let yaml = try #require(ProviderCatalog.builtIn.yaml(of: "tallyfy"))
        return yaml.replacing("per_page=25", with: "per_page=100")
    }

    @Test func `two hundred organizations on three pages are read to the last, before and after the loss`()
        async throws
    {
        var plan = OrganizationTests.plan
        plan.otherOrganizations = 199
        plan.sections = try OrganizationTests.longPages()
        try await withRig(plan) { rig in
            // Two hundred on three pages.
            rig.tallyfy.configure { $0.longestPage = 80 }
            try await rig.advance(by: .seconds(1800))
            #expect(try rig.belief() == "valid")
            rig.tallyfy.deactivateMember(user: rig.users[0], organization: rig.organization)
            try await rig.advance(by: .seconds(1800))
            #expect(try rig.belief() == "limited organization_lost")
            #expect(try rig.report().explanation.contains("all 3 pages read"))
            #expect(rig.alerts == ["token.limited"])
        }
    }

    @Test(arguments: [
        Fault.Kind.status(500), .status(401), .status(403), .status(404), .rateLimit(.seconds(30)), .waf(),
        .body(.truncated), .body(.htmlLogin), .refuse,
    ])
    func `a list that cannot be had is no loss`(kind: Fault.Kind) async throws {
        try await withRig(OrganizationTests.plan) { rig in
            rig.tallyfy.inject(Fault(kind, route: "/me/organizations"))
            rig.tallyfy.deactivateMember(user: rig.users[0], organization: rig.organization)
            try await rig.advance(by: .seconds(7200))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
        }
    }

    @Test func `more pages than are read are no loss`() async throws {
        var plan = OrganizationTests.plan
        plan.otherOrganizations = 60
        try await withRig(plan) { rig in
            rig.tallyfy.configure { $0.longestPage = 1 }
            rig.tallyfy.deactivateMember(user: rig.users[0], organization: rig.organization)
            try await rig.advance(by: .seconds(7200))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
        }
    }

    @Test func `a loss is told once, also across restarts`() async throws {
        try await withRig(OrganizationTests.plan) { rig in
            rig.tallyfy.deactivateMember(user: rig.users[0], organization: rig.organization)
            for _ in 1...5 {
                try await rig.advance(by: .seconds(400))
                try await rig.restart()
            }
            #expect(try rig.belief() == "limited organization_lost")
            #expect(rig.alerts == ["token.limited"])
        }
    }
}
