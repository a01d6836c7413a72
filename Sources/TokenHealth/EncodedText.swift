import FoundationEssentials

/// Letters and digits in one case, and what a text looks like in other guises.
enum AlphanumericText {
    /// The byte itself, or its small letter; `nil` for what is neither letter nor digit.
    static func folded(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39, 0x61...0x7A: byte
        case 0x41...0x5A: byte | 0x20
        default: nil
        }
    }

    static func folded(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        for byte in bytes { if let letter = folded(byte) { text.append(letter) } }
        return text
    }

    static func rot13(_ folded: [UInt8]) -> [UInt8] {
        folded.map { $0 >= 0x61 ? ($0 - 0x61 + 13) % 26 + 0x61 : $0 }
    }

    static func hex(_ bytes: [UInt8]) -> [UInt8] {
        bytes.flatMap { byte in [byte >> 4, byte & 15].map { $0 < 10 ? 0x30 + $0 : 0x57 + $0 } }
    }

    /// What Base64 makes of `bytes` behind so many others, but for the characters that hold any of those.
    static func base64(_ bytes: [UInt8], behind padding: Int) -> [UInt8] {
        let encoded = Data(Array(repeating: 0, count: padding) + bytes).base64EncodedString().utf8
        return folded(encoded.dropFirst((padding * 4 + 2) / 3))
    }
}

/// What a text may say in an encoding that it is not known to have.
enum EncodedText {
    /// Shortest reading that is worth a look, in bytes.
    private static let shortest = 8
    /// Stands between runs of digits.
    private static let noDigit: UInt8 = 0xFF

    /// `bytes` without escapes, and whatever hexadecimal, Base64 or numbers in them say.
    static func readings(of bytes: [UInt8]) -> [[UInt8]] {
        let all = [unescaped(bytes)] + hex(bytes) + base64(bytes) + numbers(bytes)
        return all.filter { $0.count >= shortest }
    }

    // MARK: - Escapes

    /// Nothing where there is none.
    private static func unescaped(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(where: { isEscape($0) }) else { return [] }
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var rest = bytes[...]
        while let byte = rest.first {
            guard isEscape(byte), let (value, length) = escape(rest) else {
                text.append(byte)
                rest = rest.dropFirst()
                continue
            }
            if let value { text.append(value) }
            rest = rest.dropFirst(length)
        }
        return text
    }

    private static func isEscape(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "%") || byte == UInt8(ascii: "&") || byte == UInt8(ascii: "\\")
            || byte == UInt8(ascii: "=")
    }

    /// What the escape says at the beginning of `rest`, and its length; what is no letter or digit is of no concern.
    private static func escape(_ rest: ArraySlice<UInt8>) -> (UInt8?, Int)? {
        let next = Array(rest.prefix(12))
        guard next.count >= 2 else { return nil }
        switch next[0] {
        case UInt8(ascii: "%"):
            // `%25` is a percent sign, and `%u0041` an old way to write a letter.
            return number(
                next,
                from: next[1] | 0x20 == UInt8(ascii: "u") ? 2 : 1,
                digits: next[1] | 0x20 == 0x75 ? 4 : 2
            )
        case UInt8(ascii: "="):
            return next[1] == 0x0A
                ? (nil, 2) : next.starts(with: [0x3D, 0x0D, 0x0A]) ? (nil, 3) : number(next, from: 1, digits: 2)
        case UInt8(ascii: "\\"):
            switch next[1] {
            case UInt8(ascii: "u"): return number(next, from: 2, digits: 4) ?? (nil, 2)
            case UInt8(ascii: "x"): return number(next, from: 2, digits: 2) ?? (nil, 2)
            case UInt8(ascii: "\\"): return (UInt8(ascii: "\\"), 2)
            default: return AlphanumericText.folded(next[1]) == nil || "nrtbf".utf8.contains(next[1]) ? (nil, 2) : nil
            }
        default:
            return entity(next)
        }
    }

    private static func number(_ next: [UInt8], from start: Int, digits: Int) -> (UInt8?, Int)? {
        guard next.count >= start + digits else { return nil }
        var value = 0
        for byte in next[start..<(start + digits)] {
            guard let digit = hexDigit(byte) else { return nil }
            value = value * 16 + Int(digit)
        }
        return (UInt8(exactly: value), start + digits)
    }

    /// `&#97;`, `&#x61;`, or a name, which is that of a sign.
    private static func entity(_ next: [UInt8]) -> (UInt8?, Int)? {
        guard let end = next.firstIndex(of: UInt8(ascii: ";")), end > 2 else { return nil }
        let name = String(decoding: next[1..<end], as: UTF8.self)
        if name == "amp" { return (UInt8(ascii: "&"), end + 1) }
        guard name.hasPrefix("#") else { return (nil, end + 1) }
        let digits = name.dropFirst()
        let value = digits.lowercased().hasPrefix("x") ? Int(digits.dropFirst(), radix: 16) : Int(digits)
        return value.map { (UInt8(exactly: $0), end + 1) }
    }

    // MARK: - Runs

    /// Where so many digits or more stand in a row.
    private static func runs(in digits: [UInt8], ofAtLeast length: Int) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var start = 0
        for place in 0...digits.count where place == digits.count || digits[place] == noDigit {
            if place - start >= length { runs.append(start..<place) }
            start = place + 1
        }
        return runs
    }

    // MARK: - Hexadecimal

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    /// Bytes of two digits each, whatever signs stand between the digits, and `0x` before them: begun at the first digit of
    /// every run, and at the second.
    private static func hex(_ bytes: [UInt8]) -> [[UInt8]] {
        var digits: [UInt8] = []
        digits.reserveCapacity(bytes.count)
        for byte in bytes {
            if let digit = hexDigit(byte) {
                digits.append(digit)
            } else if byte | 0x20 == UInt8(ascii: "x") {
                if digits.last == 0 { digits.removeLast() }
            } else if AlphanumericText.folded(byte) != nil, digits.last != noDigit {
                digits.append(noDigit)
            }
        }
        let runs = runs(in: digits, ofAtLeast: shortest * 2)
        return (0..<2).map { skipped in
            var text: [UInt8] = []
            text.reserveCapacity(bytes.count / 2)
            for run in runs {
                var place = run.lowerBound + skipped
                while place + 1 < run.upperBound {
                    text.append(digits[place] << 4 | digits[place + 1])
                    place += 2
                }
                text.append(0)
            }
            return text
        }
    }

    // MARK: - Base64

    private static func base64Digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x41...0x5A: byte - 0x41
        case 0x61...0x7A: byte - 0x47
        case 0x30...0x39: byte + 4
        case 0x2B, 0x2D: 62
        case 0x2F, 0x5F: 63
        default: nil
        }
    }

    /// Every longer run of the alphabet, begun at each of its first four characters.
    private static func base64(_ bytes: [UInt8]) -> [[UInt8]] {
        let digits = bytes.map { base64Digit($0) ?? noDigit }
        let runs = runs(in: digits, ofAtLeast: 11)
        return (0..<4).map { phase in
            var text: [UInt8] = []
            text.reserveCapacity(bytes.count)
            for run in runs {
                var (bits, count): (UInt32, UInt32) = (0, 0)
                for place in (run.lowerBound + phase)..<run.upperBound {
                    bits = bits << 6 | UInt32(digits[place])
                    count += 6
                    guard count >= 8 else { continue }
                    count -= 8
                    text.append(UInt8(truncatingIfNeeded: bits >> count))
                }
                text.append(0)
            }
            return text
        }
    }

    // MARK: - Numbers

    /// Lists of numbers, each a byte: in decimal, and in octal.
    private static func numbers(_ bytes: [UInt8]) -> [[UInt8]] {
        var (decimal, octal): ([UInt8], [UInt8]) = ([], [])
        var number: (decimal: Int, octal: Int, digits: Int) = (0, 0, 0)
        func end() {
            defer { number = (0, 0, 0) }
            guard (1...3).contains(number.digits) else { return }
            if let byte = UInt8(exactly: number.decimal) { decimal.append(byte) }
            if let byte = UInt8(exactly: number.octal) { octal.append(byte) }
        }
        for byte in bytes {
            guard (0x30...0x39).contains(byte) else {
                end()
                continue
            }
            let digit = Int(byte - 0x30)
            if number.digits < 4 {
                number = (number.decimal * 10 + digit, number.octal * 8 + digit, number.digits + 1)
            }
        }
        end()
        return [decimal, octal]
    }
}
