import FoundationEssentials
import Testing
import TokenHealth

/// One letter a day.
@Suite struct DayBarTests {
    /// Noon of a day; bars of four days end there.
    private let now = Date(timeIntervalSince1970: 20_000 * 86_400 + 43_200)

    /// From and to in hours before now.
    private func interval(_ from: Double, _ to: Double, _ state: StateName) -> ValidityInterval {
        ValidityInterval(
            start: now.addingTimeInterval(-from * 3600),
            end: now.addingTimeInterval(-to * 3600),
            state: state,
            reason: nil
        )
    }

    private func bar(_ intervals: ValidityInterval...) -> String { DayBar(of: intervals, days: 4, until: now).text }

    @Test func `days without a sight are empty`() {
        #expect(bar() == "----")
        #expect(bar(interval(200, 150, .valid)) == "----")
    }

    @Test func `a day is what it was for longest`() {
        #expect(bar(interval(1000, 0, .valid)) == "vvvv")
        #expect(bar(interval(84, 30, .valid), interval(30, 13, .blind), interval(13, 0, .valid)) == "vvbv")
    }

    @Test(arguments: [(StateName.invalid, "i"), (.misconfigured, "m"), (.limited, "l")])
    func `trouble shows however short it was`(state: StateName, letter: String) {
        #expect(bar(interval(84, 20, .valid), interval(20, 19.9, state), interval(19.9, 0, .valid)) == "vv\(letter)v")
        #expect(bar(interval(84, 20, .valid), interval(20, 20, state), interval(20, 0, .valid)) == "vv\(letter)v")
    }

    @Test func `a day that was seen for less than half is a capital`() {
        #expect(bar(interval(80, 70, .valid), interval(10, 0, .valid)) == "V--v")
        #expect(bar(interval(20, 19, .invalid)) == "--I-")
    }

    @Test func `the day of now counts as far as it has come`() {
        #expect(bar(interval(6, 0, .valid)) == "---v")
        #expect(bar(interval(5, 0, .valid)) == "---V")
    }

    @Test func `an interval that ends at midnight does not lengthen the next day`() {
        #expect(bar(interval(36, 12, .valid)) == "--v-")
        #expect(bar(interval(36, 12, .invalid), interval(12, 0, .valid)) == "--iv")
    }

    @Test func `an end in the future and a turned interval do no harm`() {
        #expect(bar(interval(1, -500, .valid)) == "---V")
        #expect(bar(interval(1, 5, .valid)) == "----")
    }

    @Test func `the first day begins at midnight`() {
        #expect(DayBar.firstDay(of: 4, until: now) == Date(timeIntervalSince1970: 19_997 * 86_400))
    }

    @Test func `in words the worst days come first`() {
        let bar = DayBar(of: [interval(84, 20, .valid), interval(20, 19, .invalid)], days: 4, until: now)
        #expect(bar.words == "1 invalid, 2 valid, 1 not watched")
        #expect(bar.cells.map(\.letter) == Array(bar.text))
    }
}
