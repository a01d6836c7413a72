import FoundationEssentials
import Synchronization
package import TokenHealth

/// What is known at one moment, for everybody who shows it: the whole as a value, or the tokens some at a time.
///
/// Of a hundred thousand tokens the whole is a lot of memory, which nobody needs who only writes it down.
package struct StatusEdition: Sendable {
    /// A token and what is known of it.
    package typealias Line = (name: TokenName, report: TokenReport)

    /// Its census is of the moment too.
    package let head: StatusHead
    /// All tokens, in order.
    private let names: [TokenName]
    private let reports: @Sendable (ArraySlice<TokenName>) async -> [Line]
    private let whole = Whole()

    /// How many tokens are handed out at a time.
    private static let portion = 1000

    /// - `reports`: what is known of some of the tokens; those that are watched no more may be missing.
    init(
        head: StatusHead,
        names: [TokenName],
        reports: @escaping @Sendable (ArraySlice<TokenName>) async -> [Line]
    ) {
        self.head = head
        self.names = names
        self.reports = reports
    }

    /// Hands out all tokens in order, some at a time.
    package func forEachPortion(_ body: ([Line]) async throws -> Void) async rethrows {
        var rest = names[...]
        while !rest.isEmpty {
            try await body(await reports(rest.prefix(StatusEdition.portion)))
            rest = rest.dropFirst(StatusEdition.portion)
        }
    }

    /// The whole, put together for the first who wants it.
    package func document() async -> StatusDocument {
        if let document = whole.document { return document }
        var tokens: [TokenName: TokenReport] = [:]
        tokens.reserveCapacity(names.count)
        await forEachPortion { lines in
            for line in lines { tokens[line.name] = line.report }
        }
        let document = StatusDocument(
            generatedAt: head.generatedAt,
            validUntil: head.validUntil,
            monitor: head.monitor,
            tokens: tokens,
            notifiers: head.notifiers
        )
        whole.document = document
        return document
    }

    private final class Whole: Sendable {
        private let kept = Mutex<StatusDocument?>(nil)

        var document: StatusDocument? {
            get { kept.withLock { $0 } }
            set { kept.withLock { $0 = newValue } }
        }
    }
}

extension StatusEdition {
    /// The edition of a document that is there already.
    package init(_ document: StatusDocument) {
        let lines = document.tokens.compactMap { name, report in TokenName(name).map { ($0, report) } }
        let reports = Dictionary(uniqueKeysWithValues: lines)
        self.init(
            head: StatusHead(
                generatedAt: document.generatedAt,
                validUntil: document.validUntil,
                monitor: document.monitor,
                census: StateCensus(document.tokens.values.lazy.map(\.state)),
                notifiers: document.notifiers
            ),
            names: reports.keys.sorted(),
            reports: { names in names.compactMap { name in reports[name].map { (name, $0) } } }
        )
    }
}
