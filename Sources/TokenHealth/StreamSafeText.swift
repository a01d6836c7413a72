extension String {
    /// Most combining marks in a row that are kept: more than any language has (UAX #15, Stream-Safe Text Format).
    private static let mostMarks = 30

    /// Without the combining marks that follow so many others.
    ///
    /// To compare texts Unicode puts the marks of a letter in order, and that takes quadratic time: a letter with thirty thousand
    /// of them would hold up everything for a second.
    package var streamSafe: String {
        // No mark begins with a smaller byte.
        guard utf8.contains(where: { $0 >= 0xCC }) else { return self }
        var marks = 0
        var safe = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            marks = scalar.properties.canonicalCombiningClass == .notReordered ? 0 : marks + 1
            if marks <= String.mostMarks { safe.append(scalar) }
        }
        return String(safe)
    }
}
