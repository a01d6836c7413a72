import Testing
import TokenHealth

/// Ranges of the Monitoring Plugins guidelines.
struct PluginRangeTests {
    @Test(arguments: [
        ("10", [-0.1, 10.1], [0, 5, 10]),
        ("10:", [9.9, -5], [10, 1_000_000]),
        ("~:10", [10.1], [-1_000_000, 0, 10]),
        ("10:20", [9.9, 20.1], [10, 15, 20]),
        ("@10:20", [10, 15, 20], [9.9, 20.1]),
        ("@10", [0, 10], [-0.1, 10.1]),
        ("@~:0", [-3, 0], [0.1]),
        (":10", [-1, 11], [0, 10]),
        ("-5:5.5", [-5.1, 5.6], [-5, 5.5]),
        ("0:", [-0.1], [0, 7]),
        ("0", [-0.1, 0.1], [0]),
    ])
    func `a range alerts outside of its ends, with @ inside`(text: String, alerting: [Double], quiet: [Double]) throws {
        let range = try #require(PluginRange(text))
        for value in alerting { #expect(range.alerts(on: value), "\(value)") }
        for value in quiet { #expect(!range.alerts(on: value), "\(value)") }
    }

    @Test(arguments: [
        "", "@", ":", "~", "~:", "@:", "20:10", "10:20:30", "ten", "10d:", "0x10", "inf", "nan:", "1e3", "--1", "1-2",
        ".",
        "1.2.3", " 10", "10:~", "99999999999", ".5", "10 :", "٣:", "@@10",
    ])
    func `what is no range is refused`(text: String) {
        #expect(PluginRange(text) == nil)
    }

    @Test(arguments: [
        ("10", "10"), ("0:10", "10"), (":10", "10"), ("10:", "10:"), ("~:10", "~:10"), ("@10:20", "@10:20"),
        ("0:", "0:"), ("0.50:1.5", "0.5:1.5"), ("@0:30", "@30"), ("-5:5", "-5:5"),
    ])
    func `the description is the shortest text of the same range`(text: String, shortest: String) throws {
        let range = try #require(PluginRange(text))
        #expect(range.description == shortest)
        #expect(PluginRange(shortest) == range)
    }

    @Test(arguments: [("14:", "1209600:"), ("0.5:", "43200:"), ("@~:0.00001", "@~:1"), ("3:14", "259200:1209600")])
    func `days become whole seconds`(days: String, seconds: String) throws {
        let range = try #require(PluginRange(days))
        #expect(range.scaled(by: 86_400).description == seconds)
    }
}
