import FoundationEssentials
import TokenHealth
import Testing

struct JSONValueTests {
    private func parse(_ text: String) -> JSONValue? { JSONValue(parsing: Array(text.utf8)) }

    @Test(arguments: [
        ("null", JSONValue.null), ("true", .bool(true)), ("false", .bool(false)), ("0", .number(0)), ("1", .number(1)),
        ("-1.5e3", .number(-1500)), (#""""#, .string("")), (#""\u00e9\n\ud83d\ude00""#, .string("é\n😀")),
        (#""a\ud83d…""#, .string("a\u{FFFD}…")), (#""\udc4d""#, .string("\u{FFFD}")),
        (#""\ud83d\ud83d\ude00\n""#, .string("\u{FFFD}😀\n")), (#""\ud83d\u0041""#, .string("\u{FFFD}A")),
        ("[]", .array([])),
        ("{}", .object([:])),
        (
            #" {"a":[1,"1",true,null,{}]} "#,
            .object(["a": .array([.number(1), .string("1"), .bool(true), .null, .object([:])])])
        ),
    ])
    func `a document is read as it is`(text: String, expected: JSONValue) {
        #expect(parse(text) == expected)
    }

    @Test(arguments: [
        "", " ", "{", "[1,", #"{"a":}"#, "nul", "True", "'a'", #"{"a":1}}"#, "1 2", "NaN", "Infinity", "-", "1e",
        "1e400", "-1e400",
        #"{"a":1e400}"#, "\"\u{0}\"", "\u{0}", #""\ud8""#, #""\x""#, "[1,]",
    ])
    func `what is no document is none`(text: String) {
        #expect(parse(text) == nil)
    }

    @Test(
        arguments: [
            [0xFF], [0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x7B, 0x00, 0x7D],
        ] as [[UInt8]]
    )
    func `bytes that are no text are no document`(bytes: [UInt8]) {
        #expect(JSONValue(parsing: bytes) == nil)
    }

    @Test(arguments: [("[", "]"), (#"{"a":"#, "}"), (#"[{"a":"#, "}]")])
    func `a document nested without end is none, and does no harm`(opening: String, closing: String) {
        for depth in [129, 512, 513, 10_000, 100_000] {
            #expect(parse(String(repeating: opening, count: depth)) == nil)
            #expect(
                parse(String(repeating: opening, count: depth) + "1" + String(repeating: closing, count: depth)) == nil
            )
        }
    }

    @Test(arguments: [("[", "]"), (#"{"a":"#, "}")])
    func `a document nested as deep as it may be is read`(opening: String, closing: String) {
        for depth in [1, 64, 128] {
            #expect(
                parse(String(repeating: opening, count: depth) + "1" + String(repeating: closing, count: depth)) != nil
            )
        }
    }

    @Test func `no bytes whatever do harm`() {
        var chance = SeededGenerator(seed: 9)
        let pieces = [
            "[", "]", "{", "}", ",", ":", "\"", "\\", "u", "d83d", "00", "e9", "-", ".", "e", "true", "null", "a", " ",
            "\u{0}", "é",
        ]
        for _ in 0..<20_000 {
            let length = Int.random(in: 0...20, using: &chance)
            var bytes = (0..<length).flatMap { _ in Array((pieces.randomElement(using: &chance) ?? "").utf8) }
            if Bool.random(using: &chance) { bytes.append(UInt8.random(in: 0...255, using: &chance)) }
            if let document = JSONValue(parsing: bytes) {
                #expect(String(validating: bytes, as: UTF8.self) != nil, "\(document) is no text")
            }
        }
    }

    @Test func `a wide document as large as a body may be is read`() {
        let text = "[" + String(repeating: "1,", count: Answer.bodyLimit / 2 - 2) + "1]"
        guard case .array(let elements)? = parse(text) else {
            Issue.record("not read")
            return
        }
        #expect(elements.count == Answer.bodyLimit / 2 - 1)
    }

    @Test(arguments: [
        "123456789012345678901234567890", "9223372036854775807", "-9223372036854775808", "18446744073709551616",
        "1e308", "1e-400", "-0",
    ])
    func `a number of any size has a text`(text: String) {
        #expect(parse(text)?.scalarText?.isEmpty == false)
    }

    @Test(arguments: [("12345", "12345"), ("1.5", "1.5"), (#""a""#, "a"), ("true", "true"), ("-0.0", "0")])
    func `a scalar is compared as text`(text: String, expected: String) {
        #expect(parse(text)?.scalarText == expected)
    }

    @Test(arguments: ["null", "[]", "{}", "[1]"])
    func `what is no scalar has no text`(text: String) {
        #expect(parse(text)?.scalarText == nil)
    }

    @Test(arguments: [#"{"a":[1,2.5,"x",null,true,{}]}"#, "[]", "7", #""text""#, "-9007199254740993"])
    func `it is written as it was read`(text: String) throws {
        let value = try #require(parse(text))
        #expect(try value.reread() == value)
    }
}

struct JSONPointerTests {
    /// The document and the answers of RFC 6901, section 5.
    private static let document = #"""
        {"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}
        """#

    private static func value(at pointer: String) -> JSONValue? {
        guard let document = JSONValue(parsing: Array(document.utf8)), let pointer = JSONPointer(pointer) else {
            return nil
        }
        return document[pointer]
    }

    @Test(arguments: [
        ("/foo", JSONValue.array([.string("bar"), .string("baz")])), ("/foo/0", .string("bar")),
        ("/foo/1", .string("baz")),
        ("/", .number(0)), ("/a~1b", .number(1)), ("/c%d", .number(2)), ("/e^f", .number(3)), ("/g|h", .number(4)),
        ("/i\\j", .number(5)), ("/k\"l", .number(6)), ("/ ", .number(7)), ("/m~0n", .number(8)),
    ])
    func `the examples of the standard hold`(pointer: String, expected: JSONValue) {
        #expect(JSONPointerTests.value(at: pointer) == expected)
    }

    @Test func `the empty pointer is the whole document`() {
        #expect(JSONPointerTests.value(at: "") == JSONValue(parsing: Array(JSONPointerTests.document.utf8)))
    }

    @Test(arguments: [
        "/foo/2", "/foo/-1", "/foo/-", "/foo/01", "/foo/+1", "/foo/", "/foo/ 1", "/foo/1e0",
        "/foo/99999999999999999999",
        "/foo/0/0", "/bar", "//", "/foo/bar", "/a/b",
    ])
    func `what is not there is nothing`(pointer: String) {
        #expect(JSONPointerTests.value(at: pointer) == nil)
    }

    @Test(arguments: ["foo", "#/foo", " /foo", "~0"])
    func `what begins otherwise is no pointer`(text: String) {
        #expect(JSONPointer(text) == nil)
    }

    @Test func `an escaped tilde is undone last`() {
        let document = JSONValue.object(["~1": .number(1), "/": .number(2)])
        #expect(document[Sample.pointer("/~01")] == .number(1))
        #expect(document[Sample.pointer("/~1")] == .number(2))
    }
}

struct JSONNumberTests {
    @Test(arguments: [
        ("0", "0"), ("-0", "0"), ("1e3", "1000"), ("10.0", "10"), ("1.50", "1.5"), ("-7", "-7"),
        ("9007199254740993", "9007199254740993"), ("-9007199254740993", "-9007199254740993"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ]) func `a number has one text`(written: String, text: String) throws {
        let number = try #require(JSONNumber(parsing: written))
        #expect(number.text == text)
        #expect(number == JSONNumber(parsing: text))
        #expect(JSONValue(parsing: Array(written.utf8)) == .number(number))
        #expect(JSONValue.number(number).scalarText == text)
    }

    @Test(arguments: ["", "-", "x", "1e400", "nan", "inf"]) func `what is no number is none`(text: String) {
        #expect(JSONNumber(parsing: text) == nil)
    }

    @Test(arguments: ["0", "-1", "1.5", "9007199254740993", "-9223372036854775808", "18446744073709551615"])
    func `a number is written and read again whole`(text: String) throws {
        let value = JSONValue.number(try #require(JSONNumber(parsing: text)))
        #expect(try value.reread() == value)
        #expect(String(decoding: try Wire.encoder().encode(value), as: UTF8.self) == text)
    }

    @Test func `a number too large for any integer is written as what a Double makes of it`() throws {
        let value = JSONValue.number(try #require(JSONNumber(parsing: "123456789012345678901234567890")))
        #expect(try value.reread() == .number(1.2345678901234568e+29))
    }

    @Test func `of more marks on a letter than any language has the rest is dropped`() throws {
        let marks = String(String.UnicodeScalarView((0..<31_000).compactMap { Unicode.Scalar(0x300 + $0 * 7 % 70) }))
        let start = ContinuousClock.now
        let value = try #require(JSONValue(parsing: Array(#"{"a\#(marks)":"e\#(marks)","ï":"ï"}"#.utf8)))
        #expect(ContinuousClock.now - start < .seconds(10))
        guard case .object(let members) = value else {
            Issue.record("no object")
            return
        }
        #expect(members.keys.map { $0.unicodeScalars.count }.sorted() == [1, 31])
        #expect(members["ï"] == .string("ï"))
    }
}
