import TokenHealth

/// How long the steps of an exchange took, as `probe` prints it: in milliseconds, to a thousandth.
struct TimingReport: Encodable {
    private let timing: ExchangeTiming

    init(_ timing: ExchangeTiming) { self.timing = timing }

    private var steps: [(key: CodingKeys, word: String, time: Duration?)] {
        [
            (.lookUp, "name", timing.lookUp), (.connect, "connection", timing.connect), (.tls, "TLS", timing.tls),
            (.firstByte, "first byte", timing.firstByte),
        ]
    }

    private enum CodingKeys: String, CodingKey {
        case lookUp = "look_up"
        case connect
        case tls
        case firstByte = "first_byte"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        for step in steps { try container.encode(step.time.map(TimingReport.milliseconds), forKey: step.key) }
    }

    /// `name 0.4 ms, connection 11.9 ms, TLS 24.0 ms, first byte 36.1 ms`: the steps that were taken.
    var text: String {
        steps.compactMap { step in
            step.time.map { "\(step.word) \((TimingReport.milliseconds($0) * 10).rounded() / 10) ms" }
        }
        .joined(separator: ", ")
    }

    private static func milliseconds(_ time: Duration) -> Double {
        ((time / .microseconds(1)).rounded()) / 1000
    }
}
