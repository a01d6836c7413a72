import Testing
import TokenHealth
import VigilHTTPClient

/// The lines of a head as they come, and what they amount to.
@Suite struct ResponseHeadTests {
    private func head(_ lines: [String]) -> (head: ResponseHead, isTaken: Bool) {
        var head = ResponseHead()
        for line in lines {
            let bytes = Array(line.utf8)
            guard head.take(bytes.span) else { return (head, false) }
        }
        return (head, true)
    }

    @Test func `fields are known by their names in any case, in order`() {
        let (head, _) = head(["HTTP/1.1 200 OK\r\n", "X-A: 1\r\n", "x-b:2\r\n", "x-A:  3 \t\r\n", "\r\n"])
        #expect(head.fields == [HeaderField("X-A", "1"), HeaderField("x-b", "2"), HeaderField("x-A", "3")])
        #expect(head.values(of: "x-a") == ["1", "3"])
        #expect(head.values(of: "x") == [])
        #expect(head.isFinal)
    }

    @Test func `a fold is replaced by a space, and one before any field is dropped`() {
        let (head, _) = head(["HTTP/1.1 200 OK\n", "\tlost\n", "A: 1\n", "  2\n", "\t3\n", "B: 4\n", "\n"])
        #expect(head.values(of: "a") == ["1   2 \t3"])
        #expect(head.values(of: "b") == ["4"])
    }

    @Test func `of several heads the last one counts, and trailers do not`() {
        let (head, _) = head([
            "HTTP/1.1 103 Early Hints\r\n", "Link: x\r\n", "\r\n", "HTTP/2 401 \r\n", "A: 1\r\n", "\r\n",
            "A: trailer\r\n",
        ])
        #expect(head.fields == [HeaderField("A", "1")])
    }

    @Test func `what is no field is passed over`() {
        let (head, isTaken) = head([
            "HTTP/1.1 200 OK\r\n", "no colon\r\n", ": no name\r\n", "A:\r\n", "B : 1\r\n", "\r\n",
        ])
        #expect(isTaken)
        #expect(head.fields == [HeaderField("A", ""), HeaderField("B", "1")])
    }

    @Test func `a byte that would end a field before its time does not`() {
        let (head, _) = head(["HTTP/1.1 200 OK\r\n", "A: 1\nB: 2\u{0}\r\n", "\r\n"])
        #expect(head.fields == [HeaderField("A", "1 B: 2")])
    }

    @Test func `more than anybody should send is refused`() {
        let long = "X: \(String(repeating: "x", count: 1000))\r\n"
        #expect(!head(["HTTP/1.1 200 OK\r\n"] + Array(repeating: long, count: 70)).isTaken)
        // Trailers and interim answers count as well.
        #expect(!head(["HTTP/1.1 200 OK\r\n", "\r\n"] + Array(repeating: long, count: 70)).isTaken)
        #expect(!head(Array(repeating: "HTTP/1.1 102 Processing\r\n", count: 17)).isTaken)
        #expect(head(Array(repeating: "HTTP/1.1 102 Processing\r\n", count: 16)).isTaken)
    }

    @Test(arguments: [
        ("HTTP/1.1 401.5 X", "A: 1", false), ("HTTP/1.1 4011 X", "A: 1", false), ("HTTP/1.1 40 X", "A: 1", false),
        ("HTTP/1.1 401 Unauthorized", "A: 1", true), ("HTTP/2 401", "A: 1", true), ("HTTP/2 401 ", "A: 1", true),
        ("HTTP/1.1 401 X", "Content-Length: 9223372036854775808", false),
        ("HTTP/1.1 401 X", "Content-Length: +3", false), ("HTTP/1.1 401 X", "Content-Length: ", false),
        ("HTTP/1.1 401 X", "content-length: 3", true),
    ])
    func `a head that contradicts itself is not sound`(status: String, field: String, isSound: Bool) {
        #expect(head([status, field, ""]).head.isSound == isSound)
    }

    @Test func `two lengths that differ are not sound`() {
        #expect(!head(["HTTP/1.1 200 OK", "Content-Length: 3", "Content-Length: 4", ""]).head.isSound)
        #expect(head(["HTTP/1.1 200 OK", "Content-Length: 3", "Content-Length: 3", ""]).head.isSound)
    }

    @Test func `after a reset nothing is left of the answer before`() {
        var (head, _) = head(["HTTP/1.1 200 OK\r\n", "A: 1\r\n", "\r\n"])
        head.reset()
        #expect(head.fields == [])
        #expect(!head.isFinal)
    }
}
