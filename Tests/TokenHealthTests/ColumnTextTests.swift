import Testing
import TokenHealth

/// Text in columns of equal width.
@Suite struct ColumnTextTests {
    @Test(arguments: [("", 0), ("abc", 3), ("größe", 5), ("e\u{301}", 1), ("日本", 4), ("🔑", 2), ("a\u{200B}b", 2)])
    func `wide characters take two columns, marks upon others none`(text: String, columns: Int) {
        #expect(text.columns == columns)
    }

    @Test(arguments: [
        ("abcdef", 6, "abcdef"), ("abcdefg", 6, "abcde…"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"), ("abc", 1, "…"),
        ("abc", 0, ""), ("abc", -1, ""),
    ])
    func `a text that is too long ends with a mark`(text: String, columns: Int, expected: String) {
        #expect(text.fitted(toColumns: columns) == expected)
    }

    @Test func `a mark of several columns is cut where there is no room even for it`() {
        #expect("abcdef".fitted(toColumns: 5, mark: "...") == "ab...")
        #expect("abcdef".fitted(toColumns: 2, mark: "...") == "..")
    }

    @Test func `padding counts columns`() {
        #expect("日".padded(toColumns: 4) == "日  ")
        #expect("abcde".padded(toColumns: 4) == "abcde")
    }

    @Test(arguments: ["a\u{1B}[2Jb", "a\nb", "a\r\nb", "a\u{202E}b", "a\u{0}b", "a\u{9B}b", "a\u{2028}b", "a\u{7F}b"])
    func `nothing that moves the cursor or turns the writing is left`(text: String) {
        let printable = text.printable
        #expect(printable.hasPrefix("a ") && printable.hasSuffix("b"))
        #expect(printable.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
        #expect(printable.printable == printable)
    }

    @Test func `what is printable stays as it is`() {
        for text in ["api-bot@example.com", "Jürgen Müller", "フロントデスク", "👩🏽"] { #expect(text.printable == text) }
    }
}
