import FoundationEssentials
import Testing
import TokenHealth

/// What a token was in each cell of a stretch of time.
@Suite struct StateCellsTests {
    /// Seconds after some instant.
    private func at(_ seconds: Double) -> Date { Date(timeIntervalSince1970: 1_800_000_000 + seconds) }

    private func interval(_ from: Double, _ to: Double, _ state: StateName) -> ValidityInterval {
        ValidityInterval(start: at(from), end: at(to), state: state, reason: nil)
    }

    /// So many cells of ten seconds each.
    private func text(_ intervals: [ValidityInterval], cells: Int = 4) -> String {
        StateCells(of: intervals, from: at(0), until: at(Double(cells) * 10), count: cells).text
    }

    @Test func `nothing seen is a dash in every cell`() {
        #expect(text([]) == "----")
        #expect(text([interval(-50, -10, .valid), interval(50, 60, .invalid)]) == "----")
    }

    @Test func `without a cell there is none`() {
        #expect(StateCells(of: [interval(0, 10, .valid)], from: at(0), until: at(10), count: 0).cells.isEmpty)
        #expect(StateCells(of: [interval(0, 10, .valid)], from: at(10), until: at(0), count: 4).cells.isEmpty)
        #expect(StateCells(of: [interval(0, 10, .valid)], borders: [at(0)]).cells.isEmpty)
        #expect(StateCells(of: [interval(0, 10, .valid)], borders: []).cells.isEmpty)
    }

    @Test func `a single cell is what counts most in all of the time`() {
        #expect(text([interval(0, 10, .valid)], cells: 1) == "v")
        #expect(text([interval(0, 4, .valid), interval(4, 10, .blind)], cells: 1) == "b")
        #expect(text([interval(0, 9, .valid), interval(9, 9.1, .invalid)], cells: 1) == "i")
    }

    @Test func `time without length is one moment`() {
        let cells = StateCells(of: [interval(0, 0, .valid)], from: at(0), until: at(0), count: 2)
        #expect(cells.text.filter { $0 != "-" } == "v")
    }

    @Test(arguments: [
        // Touching a border from either side fills no other cell.
        (0.0, 10.0, "v---"), (10, 20, "-v--"), (30, 40, "---v"), (-10, 0, "----"), (40, 50, "----"),
        (0, 10.1, "vV--"), (9.9, 20, "Vv--"), (-100, 100, "vvvv"),
    ])
    func `a cell ends before its last border`(from: Double, to: Double, expected: String) {
        #expect(text([interval(from, to, .valid)]) == expected)
    }

    @Test func `what a token was until a border is not what it was behind it`() {
        #expect(text([interval(0, 20, .invalid), interval(20, 40, .valid)]) == "iivv")
    }

    @Test(arguments: [(0.0, "I---"), (10, "-I--"), (19.9, "-I--"), (40, "---I"), (40.1, "----"), (-0.1, "----")])
    func `a single look counts in the cell in which it was`(moment: Double, expected: String) {
        #expect(text([interval(moment, moment, .invalid)]) == expected)
    }

    @Test(
        arguments: [
            ([(5.0, .valid)], "v"), ([(4.9, .valid)], "V"), ([(2.5, .valid), (2.5, .unknown)], "u"),
            ([(3, .valid), (1, .unknown)], "V"), ([(8, .valid), (0.1, .limited), (0.1, .misconfigured)], "m"),
        ] as [([(Double, StateName)], Character)]
    )
    func `less than half is a capital, and of two that lasted alike the worse one counts`(
        parts: [(Double, StateName)],
        expected: Character
    ) {
        var intervals: [ValidityInterval] = []
        var start = 0.0
        for (length, state) in parts {
            intervals.append(interval(start, start + length, state))
            start += length
        }
        #expect(text(intervals, cells: 1) == String(expected))
    }

    @Test func `days of summer time are 23 and 25 hours long, and each is measured by itself`() {
        // Three days each in Berlin around both changes of 2026; seen for twelve hours of each middle day.
        for (first, hours) in [(1_774_652_400.0, 23.0), (1_792_792_800, 25)] {
            let borders = [0, 24, 24 + hours, 48 + hours].map { Date(timeIntervalSince1970: first + $0 * 3600) }
            let seen = ValidityInterval(
                start: borders[1],
                end: borders[1].addingTimeInterval(12 * 3600),
                state: .valid,
                reason: nil
            )
            #expect(StateCells(of: [seen], borders: borders).text == (hours == 23 ? "-v-" : "-V-"))
        }
    }

    @Test func `neighbours that are alike are one run`() {
        let cells = StateCells(
            of: [interval(0, 20, .valid), interval(30, 40, .invalid)],
            from: at(0),
            until: at(40),
            count: 4
        )
        #expect(cells.runs.map(\.length) == [2, 1, 1])
        #expect(cells.runs.map(\.cell.state) == [.valid, nil, .invalid])
    }

    @Test func `every state has a letter of its own, which is read back`() {
        #expect(Set(StateName.allCases.map(\.letter)).count == StateName.allCases.count)
        for state in StateName.allCases {
            for isPart in [false, true] {
                let cell = StateCells.Cell(state: state, isPart: isPart)
                #expect(StateCells.Cell(letter: cell.letter) == cell)
            }
        }
        for letter in "-x 1é" { #expect(StateCells.Cell(letter: letter).state == nil) }
    }

    @Test func `any intervals in any cells are survived`() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<2000 {
            let intervals = (0..<Int.random(in: 0...5, using: &generator)).map { _ in
                interval(
                    Double.random(in: -30...60, using: &generator),
                    Double.random(in: -30...60, using: &generator),
                    StateName.allCases[Int.random(in: 0..<8, using: &generator)]
                )
            }
            let count = Int.random(in: 0...9, using: &generator)
            let until = at(Double.random(in: 0...40, using: &generator))
            #expect(StateCells(of: intervals, from: at(0), until: until, count: count).cells.count == count)
        }
    }
}
