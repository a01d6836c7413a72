/// Names for files that are there for a moment.
package enum TemporaryName {
    /// `path` with an ending that nobody can foresee, and so nobody can have taken: it ends with ".tmp".
    package static func beside(_ path: String) -> String { "\(path).\(digits).tmp" }

    /// Sixteen digits to the base of 16.
    package static var digits: String {
        let number = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - number.count) + number
    }

    /// Whether `name` is one of ``beside(_:)`` for `path`.
    package static func isOne(_ name: String, beside path: String) -> Bool {
        guard name.hasPrefix("\(path)."), name.hasSuffix(".tmp") else { return false }
        let ending = name.dropFirst(path.count + 1).dropLast(4)
        // Before there were digits to the base of 16 there was the number of the process.
        return !ending.isEmpty && ending.count <= 16 && ending.allSatisfy { $0.isASCII && $0.isHexDigit }
    }
}
