import FoundationEssentials

/// What the routes answer when nothing objects.
extension SimulatedTallyfy {
    /// Routes that name no organization.
    func userAnswer(_ call: Call, _ person: Person) -> SimulatedAnswer {
        guard call.route == .myOrganizations else {
            let role = switches.meHasRole ? role(of: person) : nil
            return .json(200, ["data": Bodies.user(person, role: role, status: "active")])
        }
        let mine = organizationOrder.compactMap { organizations[$0] }.filter { $0.activeMember(person.id) != nil }
        return page(of: mine.map(Bodies.organization), call)
    }

    /// Routes of an organization, for one of its active members.
    func organizationAnswer(
        _ call: Call,
        _ person: Person,
        _ organization: Organization,
        _ membership: Membership
    ) -> SimulatedAnswer {
        switch call.route {
        case .organizationMe:
            return .json(200, ["data": Bodies.user(person, role: membership.role, status: "active")])
        case .organizationTasks:
            let count = min(max(switches.taskCount, 0), 10_000)
            return page(of: (0..<count).map { Bodies.task($0, organization: organization.id) }, call)
        case .health, .tokenGrant, .me, .myOrganizations, .organization, .onBehalfToken, .unknown:
            return .json(200, ["data": Bodies.organization(organization)])
        }
    }

    /// The role in the first organization, the one shown where none is named.
    private func role(of person: Person) -> MemberRole {
        organizationOrder.lazy.compactMap { organizations[$0]?.activeMember(person.id)?.role }.first ?? .standard
    }

    /// One page of a list: 10 elements unless `per_page` says otherwise, never more than the switch allows.
    private func page(of elements: [WireJSON], _ call: Call) -> SimulatedAnswer {
        let size = min(max(call.target.query["per_page"].flatMap { Int($0) } ?? 10, 1), max(switches.longestPage, 1))
        let number = min(max(call.target.query["page"].flatMap { Int($0) } ?? 1, 1), 1_000_000)
        let pages = max((elements.count + size - 1) / size, 1)
        let shown = elements.dropFirst((number - 1) * size).prefix(size)
        func link(_ page: Int) -> WireJSON {
            let host = call.request.header("Host") ?? "localhost"
            return .string("http://\(host)\(call.target.path)?page=\(page)&per_page=\(size)")
        }
        var links: [WireJSON.Member] = []
        if number > 1 { links.append(.init("previous", link(min(number - 1, pages)))) }
        if number < pages { links.append(.init("next", link(number + 1))) }
        let pagination: WireJSON = [
            "total": .integer(elements.count), "count": .integer(shown.count), "per_page": .integer(size),
            "current_page": .integer(number), "total_pages": .integer(pages),
            "links": links.isEmpty ? [] : .object(links),
        ]
        return .json(200, ["data": .array(Array(shown)), "meta": ["pagination": pagination]])
    }
}
