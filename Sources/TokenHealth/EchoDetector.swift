/// Finds a secret, or a longer piece of one, in whatever guise it comes back in.
///
/// It compares letters and digits alone, in one case: what stands between them, and how they are written, does not
/// matter. A text is read as it is and as what it may encode, twice over; a secret is looked for as it is, reversed, in
/// rot13, in hexadecimal and in Base64 of any alignment. Eight letters or digits in a row are a piece.
///
/// Not all of a secret is secret. Of a JSON Web Token only the signature is: header and claims are readable to anybody,
/// say who the token is for, and stand in other tokens, too. Nor is a number in front of the rest, by which some
/// providers name the account: `123456789:AAF…`.
struct EchoDetector {
    /// One guise of the secret, in letters and digits.
    fileprivate struct Guise {
        let text: [UInt8]
        /// How many in a row are a piece.
        let run: Int
    }

    /// Shortest piece, in letters and digits; a shorter secret is found in its exact form alone.
    fileprivate static let gram = 8
    /// How often what was decoded is decoded again.
    private static let depth = 2

    private let filter: GramFilter
    private let index: GramIndex

    /// - Parameter value: the secret, exposed; `nil` where it is too short to be told from other words.
    init?(_ value: String) {
        let core = EchoDetector.core(of: value)
        let plain = AlphanumericText.folded(core)
        guard plain.count >= EchoDetector.gram else { return nil }
        let hex = AlphanumericText.hex(core)
        var guises = [
            Guise(text: plain, run: EchoDetector.gram),
            Guise(text: AlphanumericText.rot13(plain), run: EchoDetector.gram),
            Guise(text: hex, run: EchoDetector.gram * 2),
        ]
        // Eight bytes make eleven characters.
        for padding in 0..<3 { guises.append(Guise(text: AlphanumericText.base64(core, behind: padding), run: 11)) }
        guises += guises.map { Guise(text: $0.text.reversed(), run: $0.run) }
        index = GramIndex(guises)
        var filter = GramFilter(expecting: guises.reduce(0) { $0 + $1.text.count })
        for guise in guises { GramFilter.eachGram(of: guise.text) { filter.insert($1) } }
        self.filter = filter
    }

    /// What of a secret is worth hiding.
    private static func core(of value: String) -> [UInt8] {
        let parts = value.split(separator: ".", omittingEmptySubsequences: false)
        if parts.count >= 3, value.hasPrefix("eyJ"), parts[2...].joined().utf8.count >= gram {
            return Array(parts[2...].joined().utf8)
        }
        let bytes = Array(value.utf8)
        let number = bytes.prefix { (0x30...0x39).contains($0) }
        let rest = bytes.dropFirst(number.count)
        guard let separator = rest.first, AlphanumericText.folded(separator) == nil,
            AlphanumericText.folded(rest).count >= 16
        else { return bytes }
        return Array(rest)
    }

    /// Whether any of the secret is in `bytes`.
    func finds(in bytes: [UInt8]) -> Bool { finds(in: bytes, depth: EchoDetector.depth) }

    func finds(in text: String) -> Bool { finds(in: Array(text.utf8)) }

    private func finds(in bytes: [UInt8], depth: Int) -> Bool {
        guard bytes.count >= EchoDetector.gram else { return false }
        let text = AlphanumericText.folded(bytes)
        var isFound = false
        GramFilter.eachGram(of: text) { start, hash in
            isFound = isFound || filter.holds(hash) && index.knowsPiece(of: text, at: start)
        }
        if isFound { return true }
        guard depth > 0 else { return false }
        return EncodedText.readings(of: bytes).contains { finds(in: $0, depth: depth - 1) }
    }
}

/// Where in the guises of a secret a run of eight bytes stands.
///
/// Made when the first one is looked for, and looked up in the same time whatever the text is: whoever knows the secret could
/// fill an answer with what is nearly a piece.
private final class GramIndex {
    private enum Find {
        /// Enough of the secret by itself.
        case piece
        /// Enough where what is around it is like this guise, too.
        case place(guise: Int, at: Int)
    }

    private let guises: [EchoDetector.Guise]
    private lazy var finds = makeFinds()

    init(_ guises: [EchoDetector.Guise]) { self.guises = guises }

    private func makeFinds() -> [UInt64: Find] {
        var finds: [UInt64: Find] = [:]
        for (number, guise) in guises.enumerated() where guise.text.count >= guise.run {
            for place in 0...(guise.text.count - EchoDetector.gram) {
                let gram = GramIndex.gram(of: guise.text, at: place)
                // What stands in several places is a piece: to try them all could take for ever.
                let isPiece = guise.run == EchoDetector.gram || finds[gram] != nil
                finds[gram] = isPiece ? .piece : .place(guise: number, at: place)
            }
        }
        return finds
    }

    private static func gram(of text: [UInt8], at start: Int) -> UInt64 {
        text[start..<(start + EchoDetector.gram)].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Whether what stands in `text` at `start` is a piece of the secret.
    func knowsPiece(of text: [UInt8], at start: Int) -> Bool {
        switch finds[GramIndex.gram(of: text, at: start)] {
        case nil: return false
        case .piece?: return true
        case .place(let number, let place)?:
            let guise = guises[number]
            var (before, after) = (0, EchoDetector.gram)
            func isLong() -> Bool { before + after >= guise.run }
            while !isLong(), place > before, start > before,
                guise.text[place - before - 1] == text[start - before - 1]
            { before += 1 }
            while !isLong(), place + after < guise.text.count, start + after < text.count,
                guise.text[place + after] == text[start + after]
            { after += 1 }
            return isLong()
        }
    }
}

/// Which runs of eight bytes a secret has; it may be wrong about one that it has not.
private struct GramFilter {
    private static let length = 8
    private static let base: UInt64 = 0x9E37_79B9_7F4A_7C15

    private var words: [UInt64]
    private let mask: UInt64

    init(expecting count: Int) {
        var bits = 4096
        while bits < count * 32 { bits *= 2 }
        words = Array(repeating: 0, count: bits / 64)
        mask = UInt64(bits - 1)
    }

    private func places(of hash: UInt64) -> (UInt64, UInt64) {
        let mixed = (hash ^ (hash >> 29)) &* 0xBF58_476D_1CE4_E5B9
        return ((mixed >> 40) & mask, (mixed >> 12) & mask)
    }

    mutating func insert(_ hash: UInt64) {
        let (first, second) = places(of: hash)
        words[Int(first / 64)] |= 1 << (first % 64)
        words[Int(second / 64)] |= 1 << (second % 64)
    }

    func holds(_ hash: UInt64) -> Bool {
        let (first, second) = places(of: hash)
        return words[Int(first / 64)] >> (first % 64) & 1 == 1 && words[Int(second / 64)] >> (second % 64) & 1 == 1
    }

    /// Calls `body` with the start and a rolling hash of every run.
    static func eachGram(of bytes: [UInt8], _ body: (Int, UInt64) -> Void) {
        var leaving: UInt64 = 1
        for _ in 0..<length { leaving = leaving &* base }
        var hash: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            hash = hash &* base &+ UInt64(byte)
            if index >= length { hash = hash &- leaving &* UInt64(bytes[index - length]) }
            if index >= length - 1 { body(index - length + 1, hash) }
        }
    }
}
