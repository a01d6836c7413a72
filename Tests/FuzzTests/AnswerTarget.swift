import TokenHealth
import VigilHTTPClient

/// What libcurl hands over of an answer, in whatever pieces and order, from the raw lines to the mark.
///
/// The input: a byte for the limit of the body, then blocks, each of which a record separator (0x1E) begins. The first byte
/// of a block says what it is: `b` a piece of the body, `c` the same cut into single bytes, `r` another answer begins,
/// anything else a line of a head.
enum AnswerTarget {
    /// Runs one input; whatever it is, this returns.
    ///
    /// It traps where what was promised does not hold.
    static func run(_ bytes: [UInt8]) {
        var received = ReceivedAnswer()
        let limit = Int(bytes.first ?? 0) * 4
        received.begin(bodyLimit: limit)
        for block in bytes.dropFirst().split(separator: 0x1E, maxSplits: 500, omittingEmptySubsequences: false) {
            let rest = Array(block.dropFirst())
            switch block.first {
            case UInt8(ascii: "r"):
                received.begin(bodyLimit: limit)
                precondition(received.head.fields.isEmpty && received.body.isEmpty && received.excess == nil)
            case UInt8(ascii: "b"): _ = received.takeBody(rest.span)
            case UInt8(ascii: "c"):
                for byte in rest {
                    let piece = [byte]
                    _ = received.takeBody(piece.span)
                }
            default:
                let line = Array(block)
                _ = received.takeHead(line.span)
            }
        }
        check(received, limit: limit)
    }

    private static func check(_ received: ReceivedAnswer, limit: Int) {
        precondition(received.body.count <= limit)
        let response = received.response(status: 200, isCut: received.excess != nil, timing: ExchangeTiming())
        var size = 0
        for field in response.headers {
            precondition(!field.name.isEmpty)
            precondition(!field.name.contains("\n") && !field.value.contains("\n") && !field.value.contains("\0"))
            size += field.name.utf8.count + field.value.utf8.count
        }
        for field in response.headers.prefix(8) where field.name.utf8.allSatisfy({ $0 < 0x80 }) {
            precondition(received.head.values(of: field.name).contains(field.value))
        }
        // What is no UTF-8 is three bytes longer when it is read.
        precondition(size <= 3 * ResponseHead.longest)
        let answer = Answer(
            status: response.status,
            headers: response.headers,
            body: response.body,
            isCut: response.isCut
        )
        precondition((answer.message?.count ?? 0) <= 120)
    }
}
