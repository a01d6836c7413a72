import FoundationEssentials
import TokenHealth
import Testing

@testable import VigilNotifying

@Suite struct `Quoted-printable` {
    /// Written from the standard, not from the encoder.
    private func decoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = ArraySlice(text.replacing("=\n", with: "").utf8)
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else { bytes.append(byte); continue }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            rest = rest.dropFirst(2)
            bytes.append(UInt8(digits, radix: 16) ?? 0)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func check(_ text: String) {
        let encoded = QuotedPrintable.encode(text)
        #expect(Array(decoded(encoded).utf8) == Array(text.utf8))
        for line in encoded.split(separator: "\n", omittingEmptySubsequences: false) {
            #expect(line.utf8.count <= 76, "\(line)")
            #expect(line.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x09 }, "\(line)")
            #expect(!line.hasSuffix(" ") && !line.hasSuffix("\t"), "\(line)")
            #expect(!line.hasPrefix(".") && !line.hasPrefix("From "), "\(line)")
        }
    }

    @Test(arguments: [
        "", "\n", "\n\n", "plain\n", "a=b\n", "trailing space \n", "trailing tab\t\n", "   \n", " ", ".\n", "..\n",
        ".leading\n",
        "From here\n", "From\n", "Fromage\n", "no line end", "\r\n", "a\rb", "\u{0}\u{1B}\u{7F}", "ü\n", "👨‍👩‍👧‍👦\n",
        String(repeating: "x", count: 75), String(repeating: "x", count: 76), String(repeating: "x", count: 77),
        String(repeating: "x", count: 75) + "ü", String(repeating: "x", count: 75) + " ",
        String(repeating: " ", count: 300),
        String(repeating: ".", count: 300), String(repeating: "ü", count: 300), String(repeating: "=", count: 300),
        String(repeating: "👩‍🔬", count: 100), String(repeating: "x", count: 75) + ".y",
        String(repeating: "x", count: 75) + "From y",
    ])
    func `carries every text unharmed`(_ text: String) {
        check(text)
    }

    @Test func `carries random text unharmed`() {
        var generator = SplitMix(state: 42)
        let alphabet = Array("ab =.\tF\u{E9}\u{20AC}\u{1F600}\nrom From \u{0}~!".unicodeScalars)
        for _ in 0..<300 {
            let length = Int.random(in: 0...400, using: &generator)
            let scalars = (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
            check(String(String.UnicodeScalarView(scalars)))
        }
    }

    @Test func `leaves plain text readable`() {
        #expect(QuotedPrintable.encode("Since: 10:05 UTC\n") == "Since: 10:05 UTC\n")
        #expect(QuotedPrintable.encode("a=b ü \n.x") == "a=3Db =C3=BC=20\n=2Ex")
    }

    @Test func `tears no character apart`() {
        let text = String(repeating: "x", count: 70) + "€"
        #expect(QuotedPrintable.encode(text) == String(repeating: "x", count: 70) + "=\n=E2=82=AC")
    }
}

/// A small generator with a known sequence.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct `A mail header` {
    @Test func `is plain where its text is`() {
        let header = MailHeader("Subject", prefix: "[tokenvigil]", freeText: "INVALID hr-onboarding (revoked) on srv1")
        #expect(header.text == "Subject: [tokenvigil] INVALID hr-onboarding (revoked) on srv1")
    }

    @Test func `is folded at spaces`() {
        let header = MailHeader("To", (1...6).map { "somebody-\($0)@example.com" }.joined(separator: ", "))
        let lines = header.text.split(separator: "\n")
        #expect(lines.count > 1)
        for line in lines { #expect(line.utf8.count <= 78) }
        for line in lines.dropFirst() { #expect(line.hasPrefix(" ")) }
    }

    @Test(arguments: ["Schlüssel läuft ab", String(repeating: "ключ ", count: 60), "👨‍👩‍👧‍👦 gone", "=?utf-8?Q?fake?="])
    func `is in encoded words where its text is not plain`(_ text: String) {
        let header = MailHeader("Subject", prefix: "[tokenvigil]", freeText: text)
        let lines = header.text.split(separator: "\n")
        #expect(lines.first == "Subject: [tokenvigil]")
        var bytes: [UInt8] = []
        for line in lines.dropFirst() {
            let word = line.dropFirst()
            #expect(word.utf8.count <= 75 && word.hasPrefix("=?utf-8?B?") && word.hasSuffix("?="), "\(word)")
            let chunk = Data(base64Encoded: String(word.dropFirst(10).dropLast(2))) ?? Data()
            #expect(String(validating: Array(chunk), as: UTF8.self) != nil, "a character is torn apart: \(word)")
            bytes += chunk
        }
        #expect(String(decoding: bytes, as: UTF8.self) == text.oneLine.shortened(to: 250))
    }

    @Test(arguments: Samples.hostileTexts)
    func `holds one field, whatever its text`(_ hostile: HostileText) {
        let text = hostile.text
        for header in [MailHeader("X-Test", text), MailHeader("X-Test", prefix: "p", freeText: text)] {
            let lines = header.text.split(separator: "\n", omittingEmptySubsequences: false)
            for line in lines.dropFirst() { #expect(line.hasPrefix(" ") && line.count > 1, "\(line)") }
            #expect(header.text.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x0A })
        }
    }
}

@Suite struct `The date of a mail` {
    @Test(arguments: [
        ("2026-11-23T10:05:07.120Z", "Mon, 23 Nov 2026 10:05:07 +0000"),
        ("1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 +0000"),
        ("2028-02-29T23:59:59.999Z", "Tue, 29 Feb 2028 23:59:59 +0000"),
        ("1969-12-31T23:59:59.000Z", "Wed, 31 Dec 1969 23:59:59 +0000"),
    ])
    func `is in universal time`(_ time: String, text: String) {
        #expect(MailDate.text(of: Samples.date(time)) == text)
    }
}

@Suite struct `The thread of an incident` {
    private let root = "<\(Samples.incident)@srv1.example.com>"

    @Test(arguments: [
        AlertKind.invalidated, .limited, .blind, .misconfigured, .identityChanged, .providerIncident, .notifierFailing,
    ])
    func `begins with the alert that opens it`(_ kind: AlertKind) {
        let thread = MailThread(Samples.alert(kind))
        #expect(thread.messageID == root)
        #expect(thread.root == nil)
    }

    @Test(arguments: [AlertKind.reminder, .recovered, .sighted, .providerRecovered, .notifierRecovered])
    func `goes on with every other one`(_ kind: AlertKind) {
        let thread = MailThread(Samples.alert(kind))
        #expect(thread.messageID == "<hr-onboarding-20261123T100507120Z-\(kind.idPart)@srv1.example.com>")
        #expect(thread.root == root)
    }

    @Test func `goes on where an incident changes its kind`() {
        let alert = Alert(
            id: "later",
            kind: .invalidated,
            severity: .critical,
            createdAt: Samples.now,
            incidentID: Samples.incident,
            summary: "s",
            host: Samples.host,
            lastedSeconds: 0
        )
        #expect(MailThread(alert) == MailThread(alert))
        #expect(MailThread(alert).root == root)
    }

    @Test(arguments: [AlertKind.expiring, .replaced, .test])
    func `does not exist without an incident`(_ kind: AlertKind) {
        #expect(MailThread(Samples.alert(kind)).root == nil)
    }

    @Test(arguments: Samples.hostileTexts + ["a..b", "a.", ".a", "a@b", "a>b", "srv1.", "ü"].map(HostileText.init))
    func `has well-formed ids, whatever they are made of`(_ hostile: HostileText) {
        let text = hostile.text
        let thread = MailThread(Samples.hostile(text))
        for id in [thread.messageID, thread.root ?? ""] {
            let parts = id.dropFirst().dropLast().split(separator: "@", omittingEmptySubsequences: false)
            #expect(id.hasPrefix("<") && id.hasSuffix(">") && parts.count == 2, "\(id)")
            for part in parts {
                let labels = part.split(separator: ".", omittingEmptySubsequences: false)
                #expect(labels.allSatisfy { !$0.isEmpty }, "\(id)")
                #expect(
                    part.utf8.allSatisfy { byte in
                        Unicode.Scalar(byte).properties.isAlphabetic || (0x30...0x39).contains(byte)
                            || "-_.".utf8.contains(byte)
                    },
                    "\(id)"
                )
            }
        }
    }
}
