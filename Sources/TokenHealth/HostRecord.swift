package import FoundationEssentials

/// What must be known of one host after a restart, so that its limits are kept: in wall time, for uptime begins anew.
///
/// A record that was damaged says nothing worse than that its host was asked a lot.
package struct HostRecord: Sendable, Hashable, Codable {
    /// So many events, the newest of them at this time.
    package struct Events: Sendable, Hashable, Codable {
        package let at: Date
        package let count: Int

        package init(at: Date, count: Int) {
            self.at = at
            self.count = max(0, count)
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.init(
                at: try container.decode(Date.self, forKey: .at),
                count: try container.decode(Int.self, forKey: .count)
            )
        }

        private enum CodingKeys: String, CodingKey { case at, count }
    }

    /// Requests lately.
    package var requests: [Events] = []
    /// Failed logins, by what they were risked on.
    package var spent: [Events] = []
    package var idle: [Events] = []
    package var trials: [Events] = []
    package var renewals: [Events] = []
    /// How many looks may have been under way that are in none of these.
    package var allowedLooks = 0
    /// How many requests may have been sent that are in none of these.
    package var allowedRequests = 0

    package init() {}

    /// When the newest of its events happened; `nil` where there is none.
    package var newest: Date? {
        [requests, spent, idle, trials, renewals].flatMap(\.self).map(\.at).max()
    }

    private enum CodingKeys: String, CodingKey {
        case requests, spent, idle, trials, renewals
        case allowedLooks = "allowed_looks"
        case allowedRequests = "allowed_requests"
    }
}

/// What must be known of all hosts after a restart.
package struct HostMemory: Sendable, Hashable {
    package var records: [RealmName: HostRecord]
    /// Until when the provider of a token has asked for rest.
    package var quiet: [TokenName: Date]

    package init(records: [RealmName: HostRecord] = [:], quiet: [TokenName: Date] = [:]) {
        self.records = records
        self.quiet = quiet
    }

    package var isEmpty: Bool { records.isEmpty && quiet.isEmpty }

    /// This, and what has come later.
    package mutating func merge(_ later: HostMemory) {
        records.merge(later.records) { $1 }
        quiet.merge(later.quiet) { $1 }
    }
}
