/// How to ask which organizations, teams or groups the account behind a token belongs to.
///
/// The list is read one page at a time, one page after each accepted probe, so that a look costs two requests at most.
package struct MembershipTemplate: Sendable, Hashable {
    /// Begins with a slash; `{page}` stands for the number of a page, `{name}` for a parameter of the token.
    package var path: String
    package var headers: [HeaderField]
    /// The parameter of the token that must be in the list.
    package var parameter: String
    /// Where the list stands in the answer.
    package var list: JSONPointer
    /// Where the id stands in an element of the list; `nil` where the elements are the ids.
    package var id: JSONPointer?
    /// Where the number of pages stands; `nil` for a list that comes whole.
    package var totalPages: JSONPointer?
    /// Where the number of the page itself stands: a server that always sends the first page is found out.
    package var page: JSONPointer?
    /// How often the list is read while all is well.
    package var every: Duration

    /// Most pages that are read; of a longer list nothing is concluded.
    package static let mostPages = 50

    package init(
        path: String,
        headers: [HeaderField] = [],
        parameter: String,
        list: JSONPointer,
        id: JSONPointer? = nil,
        totalPages: JSONPointer? = nil,
        page: JSONPointer? = nil,
        every: Duration = .seconds(15 * 60)
    ) {
        self.path = path
        self.headers = headers
        self.parameter = parameter
        self.list = list
        self.id = id
        self.totalPages = totalPages
        self.page = page
        self.every = every
    }

    /// What `exchange` tells: anything unexpected on the way tells nothing.
    package func reading(of exchange: Exchange, page: Int, seeking wanted: String) -> MembershipReading {
        let retryAfter = exchange.retryAfter
        func reading(_ outcome: MembershipReading.Outcome) -> MembershipReading {
            MembershipReading(page: page, outcome: outcome, retryAfter: retryAfter)
        }
        guard case .answered(let answer) = exchange.outcome, (200..<300).contains(answer.status), !answer.isHTML,
            let document = answer.document, case .array(let elements)? = document[list]
        else { return reading(.unreadable) }
        let ids = elements.compactMap { element in id.map { element[$0]?.scalarText } ?? element.scalarText }
        if ids.contains(wanted) { return reading(.listed) }
        guard ids.count == elements.count, self.page.map({ document[$0]?.scalarText == String(page) }) ?? true else {
            return reading(.unreadable)
        }
        guard let totalPages else { return reading(.absent(pages: 1)) }
        guard let total = document[totalPages]?.scalarText.flatMap({ Int($0) }),
            (0...MembershipTemplate.mostPages).contains(total), page <= max(total, 1)
        else { return reading(.unreadable) }
        return reading(.absent(pages: max(total, 1)))
    }
}

/// What one page of the list said.
package struct MembershipReading: Sendable, Hashable {
    package let page: Int
    package let outcome: Outcome
    /// How long the server asked to be left alone.
    package let retryAfter: RetryAfter?

    package enum Outcome: Sendable, Hashable {
        case listed
        /// Not on this page, of so many.
        case absent(pages: Int)
        /// Nothing can be concluded.
        case unreadable
    }

    package init(page: Int, outcome: Outcome, retryAfter: RetryAfter? = nil) {
        self.page = page
        self.outcome = outcome
        self.retryAfter = retryAfter
    }
}

/// What is known of the membership: the database keeps what has been concluded, not the reading under way.
package struct MembershipRecord: Sendable, Codable {
    /// The value that is sought; another one starts over.
    let value: String
    let fingerprint: Fingerprint?
    /// Readings of the whole list in a row without it, up to ``certainty``.
    private(set) var losses = 0
    /// Pages of the list when it was last read whole, for the explanation.
    private(set) var pages: Int?
    /// The page it was last found on: most likely it still is there.
    private var foundOn = 1
    /// Pages read in the reading under way.
    private var read: Set<Int> = []
    private var total: Int?
    /// Uptime of the end of the last reading, within this process.
    private var readAt: Duration?

    private enum CodingKeys: String, CodingKey { case value, fingerprint, losses, pages, foundOn }

    /// So many readings in a row must agree: the list may change between two of its pages.
    static let certainty = 2

    init(value: String, fingerprint: Fingerprint?) {
        self.value = value
        self.fingerprint = fingerprint
    }

    /// Whether the loss is believed.
    var isLost: Bool { losses >= MembershipRecord.certainty }

    /// Whether a page should be read now: a reading goes on until it ends, and a loss is looked into at every look.
    func isDue(every: Duration, at now: Moment) -> Bool {
        guard read.isEmpty, losses == 0, let readAt else { return true }
        return now.uptime - readAt >= every
    }

    /// The page to read next.
    var nextPage: Int {
        guard let total else { return foundOn }
        return (1...total).first { !read.contains($0) } ?? 1
    }

    mutating func note(_ reading: MembershipReading, at now: Moment) {
        switch reading.outcome {
        case .listed:
            losses = 0
            foundOn = reading.page
            endReading(at: now)
        case .unreadable:
            // The page it was last found on may be gone with it: begin at the beginning, at the next look.
            guard foundOn == 1 else {
                (foundOn, read, total) = (1, [], nil)
                return
            }
            endReading(at: now)
        case .absent(let pages):
            // A list that changed its length while it was read proves nothing.
            guard total ?? pages == pages else { return endReading(at: now) }
            total = pages
            read.insert(reading.page)
            guard read.count == pages else { return }
            losses = min(losses + 1, MembershipRecord.certainty)
            self.pages = pages
            foundOn = 1
            endReading(at: now)
        }
    }

    private mutating func endReading(at now: Moment) {
        read = []
        total = nil
        readAt = now.uptime
    }
}

extension MembershipRecord: Hashable {
    /// Equal where the database keeps the same of both.
    package static func == (left: MembershipRecord, right: MembershipRecord) -> Bool {
        left.value == right.value && left.fingerprint == right.fingerprint && left.losses == right.losses
            && left.pages == right.pages && left.foundOn == right.foundOn
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(value)
        hasher.combine(losses)
    }
}

extension Exchange {
    fileprivate var retryAfter: RetryAfter? {
        guard case .answered(let answer) = outcome else { return nil }
        return answer.first("retry-after").flatMap { RetryAfter($0) }
    }
}
