import FoundationEssentials
import TokenHealth

/// One header field, folded.
///
/// No line break of its text can survive in it: every initializer passes through ``String/oneLine``.
struct MailHeader: Sendable, Hashable {
    /// Name, colon, value, without the final line break.
    let text: String

    /// Longest line before folding, RFC 5322.
    private static let width = 78
    /// Longest text, so that no line comes near the limit of 998 bytes.
    private static let maximumLength = 250
    /// Longest word: it cannot be folded.
    private static let maximumWord = 900

    /// A field whose value has a syntax of its own, folded at its spaces.
    ///
    /// What is not printable ASCII becomes `?`.
    init(_ name: String, _ value: String) {
        let ascii = String(value.oneLine.unicodeScalars.map { $0.isASCII ? Character($0) : "?" })
        // What looks like an encoded word would be decoded by the reader, and could hold anything.
        text = MailHeader.folded("\(name): \(ascii.replacing("=?", with: "=-"))")
    }

    /// A field of free text, with a fixed beginning in ASCII.
    ///
    /// Text outside ASCII becomes encoded words, RFC 2047.
    init(_ name: String, prefix: String, freeText: String) {
        let line = freeText.oneLine.shortened(to: MailHeader.maximumLength)
        let isPlain = line.unicodeScalars.allSatisfy(\.isASCII) && !line.contains("=?")
        if isPlain {
            text = MailHeader.folded("\(name): \(prefix) \(line)")
        } else {
            text = (["\(name): \(prefix)"] + EncodedWord.words(for: line)).joined(separator: "\n ")
        }
    }

    private static func folded(_ line: String) -> String {
        var lines: [String] = []
        var current = ""
        for part in line.split(separator: " ", omittingEmptySubsequences: true) {
            let word = String(part).shortened(to: maximumWord)
            if current.isEmpty {
                current = word
            } else if current.utf8.count + 1 + word.utf8.count <= width || (lines.isEmpty && current.hasSuffix(":")) {
                current += " \(word)"
            } else {
                lines.append(current)
                current = " \(word)"
            }
        }
        return (lines + [current]).joined(separator: "\n")
    }
}

/// Encoded words, RFC 2047: at most 75 characters each, no character torn apart.
enum EncodedWord {
    /// 75 less `=?utf-8?B?` and `?=`, in whole groups of four base64 digits.
    private static let maximumBytes = 45

    static func words(for text: String) -> [String] {
        var chunks: [[UInt8]] = [[]]
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if chunks[chunks.count - 1].count + bytes.count > maximumBytes { chunks.append([]) }
            chunks[chunks.count - 1] += bytes
        }
        return chunks.map { "=?utf-8?B?\(Data($0).base64EncodedString())?=" }
    }
}

/// The date of a mail, RFC 5322 section 3.3: `Mon, 23 Nov 2026 10:05:07 +0000`.
enum MailDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func text(of date: Date) -> String {
        let parts = date.formatted(Date.ISO8601FormatStyle()).split(whereSeparator: { "-T:Z".contains($0) })
        guard parts.count == 6, let month = Int(parts[1]), months.indices.contains(month - 1) else {
            preconditionFailure("an ISO 8601 time of \(parts.count) parts")
        }
        let day = Int((date.timeIntervalSince1970 / 86_400).rounded(.down))
        let weekday = days[((day % 7) + 7) % 7]
        return "\(weekday), \(parts[2]) \(months[month - 1]) \(parts[0]) \(parts[3]):\(parts[4]):\(parts[5]) +0000"
    }
}
