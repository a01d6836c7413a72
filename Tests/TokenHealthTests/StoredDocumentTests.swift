import FoundationEssentials
import Testing
import TokenHealth

struct StoredDocumentTests {
    private enum Shape: Codable, Hashable {
        case point, circle(radius: Double), polygon(sides: Int, String?)
    }

    private struct Everything: Codable, Hashable {
        var text = "a \"word\" \\ back / slash\r\n\t\u{1}\u{7F}\u{2028} ü 🔑"
        var isTrue = true
        var smallest = Int64.min
        var largest = UInt64.max
        var port: UInt16 = 65_535
        var tiny = 1e-7
        var negative = -0.25
        var ratio: Float = 0.5
        var when = Date(timeIntervalSince1970: 1_795_428_000.125)
        var longAgo = Date(timeIntervalSince1970: -8_520_336_000)
        var absent: String?
        var nothings: [Int?] = [nil, 1, nil]
        var nested: [[Date]] = [[], [Date(timeIntervalSince1970: 0)]]
        var words = ["a \"key\"\n": "b", "": ""]
        var empty: [String: Int] = [:]
        var shapes: [Shape] = [.point, .circle(radius: 1.5), .polygon(sides: 3, nil), .polygon(sides: 4, "square")]
        var pause = Duration.milliseconds(1500)
        var tree = JSONValue.object(["a": .array([.null, .bool(false), .object([:]), .number(18_446), .string("")])])
    }

    /// Writes with the containers that a generated `encode(to:)` does not ask for.
    private struct ByHand: Encodable {
        enum Key: String, CodingKey { case outer, list, inner, base, last }

        func encode(to encoder: any Encoder) throws {
            var members = encoder.container(keyedBy: Key.self)
            var nested = members.nestedContainer(keyedBy: Key.self, forKey: .outer)
            var list = nested.nestedUnkeyedContainer(forKey: .list)
            try list.encodeNil()
            try list.encode(contentsOf: [1, 2])
            var inner = list.nestedContainer(keyedBy: Key.self)
            try inner.encode(0.5, forKey: .inner)
            var innermost = list.nestedUnkeyedContainer()
            try innermost.encode(true)
            try "base".encode(to: list.superEncoder())
            try ["b": 1].encode(to: members.superEncoder(forKey: .base))
            // The members of the same object again.
            var again = encoder.container(keyedBy: Key.self)
            try again.encodeNil(forKey: .last)
        }
    }

    private struct Nothing: Codable, Hashable {}

    @Test func `everything that is written can be read again`() throws {
        #expect(try Everything().reread() == Everything())
    }

    @Test func `an empty object and an empty array are written`() throws {
        #expect(try Wire.stored(Nothing()) == "{}")
        #expect(try Wire.stored([Nothing()]) == "[{}]")
        #expect(try Wire.stored([Int]()) == "[]")
        #expect(try Wire.stored([[String]()]) == "[[]]")
    }

    @Test func `containers within containers are closed in order`() throws {
        let expected = #"{"outer":{"list":[null,1,2,{"inner":0.5},[true],"base"]},"base":{"b":1},"last":null}"#
        #expect(try Wire.stored(ByHand()) == expected)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity]) func `what is no number of JSON is refused`(number: Double) {
        #expect(throws: EncodingError.self) { try Wire.stored(["a": number]) }
        #expect(throws: EncodingError.self) { try Wire.stored(Float(number)) }
    }

    @Test func `a scalar alone is a document`() throws {
        #expect(try Wire.stored(Date(timeIntervalSince1970: 0.5)) == #""1970-01-01T00:00:00.500Z""#)
        #expect(try Wire.stored("a") == #""a""#)
        #expect(try Wire.stored(Int?.none) == "null")
    }
}
