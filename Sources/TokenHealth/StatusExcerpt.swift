package import FoundationEssentials

extension StatusDocument {
    /// Reads a status file of this program, but of its tokens, which may be very many, only those called `names`.
    ///
    /// Those that are not in the file are not in the document either. A file that has not a token on each line is read whole.
    ///
    /// - Throws: `DecodingError`.
    package init(of names: some Collection<String>, in file: Data) throws {
        let excerpt = StatusExcerpt(of: file)
        self = try Wire.decoder().decode(StatusDocument.self, from: excerpt?.document(of: Set(names)) ?? file)
    }
}

/// The text of a status file, found by its lines instead of by its JSON.
private struct StatusExcerpt {
    private let file: Data
    /// Where the first token begins.
    private let start: Int

    /// `nil` where the tokens are not on lines of their own, or the file is not whole.
    init?(of file: Data) {
        guard let beginning = file.firstRange(of: StatusText.beginning),
            file[beginning.upperBound...].suffix(StatusText.end.count).elementsEqual(StatusText.end)
        else { return nil }
        self.file = file
        start = beginning.upperBound
    }

    /// The file without the other tokens.
    func document(of names: Set<String>) -> Data {
        let head = file[..<start]
        var document = head
        var rest = names.map { StatusExcerpt.beginning(of: $0) }
        var begun = start
        while !rest.isEmpty, begun < file.endIndex {
            let end = endOfLine(from: begun)
            if let index = rest.firstIndex(where: { file[begun..<end].starts(with: $0) }) {
                rest.remove(at: index)
                if document.count > head.count { document.append(UInt8(ascii: ",")) }
                document += token(on: begun..<end)
            }
            begun = end + 1
        }
        return document + StatusText.end
    }

    private func endOfLine(from begun: Int) -> Int {
        // By a span: there is a lot to look through.
        let text = file.span
        var place = begun - file.startIndex
        while place < text.count, text[place] != UInt8(ascii: "\n") { place += 1 }
        return place + file.startIndex
    }

    /// How the line of a token begins.
    private static func beginning(of name: String) -> [UInt8] {
        var text = JSONText()
        text.string(name)
        return text.bytes + [UInt8(ascii: ":")]
    }

    /// The line without what follows the token: a comma, or the end of the document.
    private func token(on line: Range<Int>) -> Data {
        let hasOthersBehind = file[line].last == UInt8(ascii: ",")
        return file[line].dropLast(hasOthersBehind ? 1 : StatusText.end.count - 1)
    }
}
