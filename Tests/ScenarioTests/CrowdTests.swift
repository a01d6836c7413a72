import TallyfySimulator
import Testing
import TokenHealth

/// The crowd that `make test-crowd` plays every scenario beside.
@Suite struct CrowdTests {
    @Test func `a crowd is watched, and what is seen of the others is as it was`() async throws {
        try await withRig(Plan(crowd: 50)) { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(90))
            #expect(rig.alerts == ["token.invalidated"])
            #expect(try rig.status().summary["tokens"] == 1)
            #expect(try rig.status().worst == .invalid)
            let crowd = rig.crowd?.tokens.count ?? 0
            #expect(try rig.everybodysStatus().summary["valid"] == crowd)
        }
    }

    @Test func `a death in the crowd is noticed`() async throws {
        try await withKnownIssue {
            try await withRig(Plan(crowd: 50)) { rig in
                rig.crowd?.refuse(7)
                try await rig.advance(by: .seconds(300))
            }
        } matching: { issue in
            let texts = issue.comments.map(\.rawValue)
            return texts == ["1 of the crowd are not valid"] || texts == ["3 of the crowd were told or doubted"]
        }
    }
}
