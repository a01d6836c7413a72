package import TokenHealth

/// An answer as it comes, piece by piece, kept within bounds.
package struct ReceivedAnswer {
    /// Why no more of it is wanted.
    package enum Excess: Sendable, Hashable {
        case body, head
    }

    package private(set) var head = ResponseHead()
    package private(set) var body: [UInt8] = []
    /// What there was too much of.
    package private(set) var excess: Excess?
    private var bodyLimit = 0

    package init() {}

    /// Makes it ready for another answer; the memory is kept.
    ///
    /// - `bodyLimit`: most bytes of the body that are kept.
    package mutating func begin(bodyLimit: Int) {
        head.reset()
        body.removeAll(keepingCapacity: true)
        excess = nil
        self.bodyLimit = bodyLimit
    }

    /// Takes in one line of a head, or of the trailers.
    ///
    /// - Returns: whether to go on.
    package mutating func takeHead(_ line: Span<UInt8>) -> Bool {
        if head.take(line) { return true }
        excess = .head
        return false
    }

    /// Takes in a piece of the body.
    ///
    /// - Returns: whether to go on; `false` where there is more than is wanted.
    package mutating func takeBody(_ piece: Span<UInt8>) -> Bool {
        let room = bodyLimit - body.count
        let taken = piece.extracting(first: min(piece.count, max(0, room)))
        unsafe taken.withUnsafeBufferPointer { unsafe body.append(contentsOf: $0) }
        guard piece.count <= room else {
            excess = .body
            return false
        }
        return true
    }

    /// All of it, as far as it was wanted.
    ///
    /// - Parameters:
    ///   - status: of the final head.
    ///   - isCut: whether the body is not whole.
    ///   - timing: of the exchange.
    /// - Returns: what a caller gets.
    package func response(status: Int, isCut: Bool, timing: ExchangeTiming) -> HTTPResponse {
        HTTPResponse(status: status, headers: head.fields, body: body, isCut: isCut, timing: timing)
    }
}
