import FoundationEssentials
import Testing
import TokenHealth

@testable import VigilServing

/// The picture of the past.
@Suite struct HistoryPictureTests {
    private func interval(_ from: Double, _ to: Double, _ state: StateName) -> ValidityInterval {
        ValidityInterval(
            start: noon.addingTimeInterval(-from * 3600),
            end: noon.addingTimeInterval(-to * 3600),
            state: state,
            reason: nil
        )
    }

    private func row(
        _ intervals: [ValidityInterval] = [],
        named name: String = "hr-onboarding",
        owner: String? = "api-bot@example.com",
        deaths: [HistoryPicture.Death] = []
    ) -> HistoryPicture.Row {
        HistoryPicture.Row(name: name, owner: owner, intervals: intervals, deaths: deaths, uptime: 0.9876)
    }

    /// Of so many hours until noon.
    private func svg(_ rows: [HistoryPicture.Row], hours: Double = 24) -> String {
        let from = noon.addingTimeInterval(-hours * 3600)
        return HistoryPicture(of: rows, from: from, until: noon, on: .utc).svg
    }

    private func count(_ part: String, in text: String) -> Int { text.ranges(of: part).count }

    /// What stands in an attribute of the bars of a state.
    private func attribute(_ name: String, of style: String, in svg: String) throws -> String {
        let line = try #require(svg.split(separator: "\n").first { $0.contains("<path class=\"\(style)\"") })
        let from = try #require(line.firstRange(of: " \(name)=\"")).upperBound
        return String(try #require(line[from...].split(separator: "\"").first))
    }

    @Test func `each death within the time shown has one mark, with its words`() {
        let deaths = [-1.0, -5, -30].map {
            HistoryPicture.Death(at: noon.addingTimeInterval($0 * 3600), reason: "revoked")
        }
        let picture = svg([row([interval(24, 5, .valid), interval(5, 0, .invalid)], deaths: deaths)])
        #expect(count("<g class=\"death\">", in: picture) == 2)
        #expect(picture.contains("<title>hr-onboarding died 2026-11-23 11:00 (revoked)</title>"))
        #expect(picture.contains(">died</text>"))
        #expect(!svg([row([interval(24, 0, .valid)])]).contains(">died</text>"))
    }

    @Test func `a bar is as long as the state lasted`() throws {
        let picture = svg([row([interval(24, 6, .valid), interval(6, 0, .invalid)])])
        #expect(try attribute("d", of: "valid", in: picture) == "M236 128h450v20h-450z")
        #expect(try attribute("d", of: "invalid", in: picture) == "M686 128h150v20h-150z")
    }

    @Test func `a short death is seen in ninety days, and so is a time that was hardly watched`() throws {
        let picture = svg([row([interval(2000, 1000, .valid), interval(1000, 999.9, .invalid)])], hours: 2160)
        #expect(try attribute("d", of: "invalid", in: picture).hasSuffix("h1v10h-1z"))
        #expect(picture.contains(">not watched</text>"))
    }

    @Test func `the legend names what there is to see, and nothing else`() {
        let picture = svg([row([interval(24, 2, .valid), interval(2, 1, .blind), interval(1, 0, .unknown)])])
        #expect(picture.contains(">unknown, blind</text>"))
        #expect(!picture.contains(">misconfigured</text>") && !picture.contains(">not watched</text>"))
    }

    @Test func `the axis says whose times it shows`() {
        let clock = WallClock(zone: "Europe/Berlin") { _ in 3600 }
        let from = noon.addingTimeInterval(-7200)
        let picture = HistoryPicture(of: [row()], from: from, until: noon, on: clock).svg
        #expect(picture.contains("2026-11-23 11:00 to 2026-11-23 13:00, times are those of Europe/Berlin"))
        #expect(picture.contains(">12:00</text>"))
    }

    @Test func `who does not see it is told the same`() throws {
        let picture = svg([row([interval(24, 0, .valid)]), row(named: "empty", owner: nil)])
        #expect(picture.contains("role=\"img\" aria-labelledby=\"title description\""))
        #expect(picture.contains("hr-onboarding: last seen valid, accepted 98.7 % of the known time of 30 days."))
        #expect(picture.contains("empty: nothing recorded"))
    }

    @Test func `without a record there is a picture that says so`() {
        let picture = svg([])
        #expect(picture.contains(">Nothing is recorded yet.</text>"))
        #expect(picture.hasSuffix("</svg>\n"))
    }

    @Test func `a long list has the axis at its end, too`() {
        let few = svg((1...3).map { row(named: "token-\($0)") })
        let many = svg((1...50).map { row(named: "token-\($0)") })
        #expect(count(">18:00</text>", in: few) == 1)
        #expect(count(">18:00</text>", in: many) == 2)
        #expect(count("<g class=\"token\">", in: many) == 50)
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "\"/><g onload=\"x", "'\u{0}\u{1B}[2J", "]]>&amp;", "\u{FFFE}\u{202E}", "\n<!--",
    ])
    func `no text can leave the place it stands in`(hostile: String) {
        let death = HistoryPicture.Death(at: noon, reason: hostile)
        let picture = svg([row([interval(1, 0, .valid)], named: hostile, owner: hostile, deaths: [death])])
        let plain = svg([row([interval(1, 0, .valid)], named: "x", owner: "x", deaths: [.init(at: noon, reason: "x")])])
        // Neither an element more, nor an attribute.
        #expect(count("<", in: picture) == count("<", in: plain))
        #expect(count("=\"", in: picture) == count("=\"", in: plain))
        #expect(picture.unicodeScalars.allSatisfy { $0 == "\n" || ($0.value >= 0x20 && $0.value != 0xFFFE) })
    }

    @Test func `it needs nothing else and runs nothing`() {
        let picture = svg([row([interval(24, 0, .valid)])])
        for outside in ["<script", "href", "url(", "@import", "<image", "<foreignObject", " on"] {
            #expect(!picture.replacing(" on ", with: "").contains(outside), "\(outside)")
        }
        #expect(count("http", in: picture) == 1, "the name of the format alone")
    }

    @Test func `its colours are those of the status page, light and dark`() throws {
        let page = String(decoding: PackageResources.page_css, as: UTF8.self)
        let dark = try #require(page.firstRange(of: "prefers-color-scheme: dark"))
        let (day, night) = (page[..<dark.lowerBound], page[dark.upperBound...])
        let named = [("none", StateColour.unseen), ("text", .text), ("soft", .soft), ("line", .line)]
        let states = StateName.allCases.filter { $0 != .blind && $0 != .pending }
            .map { ($0.rawValue, StateColour(of: $0)) }
        for (name, colour) in named + states {
            #expect(day.contains("--\(name): \(colour.light);"), "\(name)")
            #expect(night.contains("--\(name): \(colour.dark);"), "\(name)")
        }
        #expect(night.contains("--card: \(StateColour.page.dark);"))
        for state in [StateName.blind, .pending] { #expect(StateColour(of: state) == StateColour(of: .unknown)) }
    }
}
