/// A JSON number with all its digits: an id may have more of them than a `Double` holds.
package struct JSONNumber: Sendable, Hashable {
    /// A whole number with all its digits, any other as the shortest text of its value; equal numbers have equal texts.
    package let text: String

    package var value: Double { Double(text) ?? .nan }

    /// Reads a decimal number; `nil` where `text` is none, or too large to be one.
    package init?(parsing text: String) {
        guard let value = Double(text), value.isFinite else { return nil }
        let isNegative = text.hasPrefix("-")
        let digits = isNegative || text.hasPrefix("+") ? text.dropFirst() : Substring(text)
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            self.init(value)
            return
        }
        let significant = digits.drop { $0 == "0" }
        self.init(canonical: significant.isEmpty ? "0" : (isNegative ? "-" : "") + significant)
    }

    /// A number computed here.
    package init(_ value: Double) {
        self.init(canonical: Int64(exactly: value).map(String.init) ?? String(value))
    }

    private init(canonical text: String) { self.text = text }
}

extension JSONNumber: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    package init(integerLiteral value: Int64) { self.init(canonical: String(value)) }
    package init(floatLiteral value: Double) { self.init(value) }
}

extension JSONNumber: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let whole = try? container.decode(Int64.self) {
            self.init(canonical: String(whole))
        } else if let whole = try? container.decode(UInt64.self) {
            self.init(canonical: String(whole))
        } else {
            self.init(try container.decode(Double.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let whole = Int64(text) {
            try container.encode(whole)
        } else if let whole = UInt64(text) {
            try container.encode(whole)
        } else {
            try container.encode(value)
        }
    }
}
