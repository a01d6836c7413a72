import Glibc
import TokenHealth

/// What goes to the screen: results to standard output, messages to standard error, colour only on a terminal.
enum Terminal {
    /// Whether standard output is a terminal.
    static let isPresent = isatty(STDOUT_FILENO) == 1

    /// Whether standard output shows colours (https://no-color.org).
    static let isColoured = isPresent && variable("NO_COLOR") == nil && variable("TERM") != "dumb"

    /// Whether it shows more than ASCII: the locale says so, as for every program.
    static let isUnicode: Bool = {
        let locale = variable("LC_ALL") ?? variable("LC_CTYPE") ?? variable("LANG") ?? ""
        return ["utf-8", "utf8"].contains { locale.lowercased().contains($0) }
    }()

    /// What stands for the rest of a text that is cut off.
    static var ellipsis: String { isUnicode ? "…" : "..." }

    /// A variable of the environment; `nil` where it is missing or empty.
    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// Writes a message for a person to standard error.
    static func complain(_ message: String) {
        let text = message.hasSuffix("\n") ? message : message + "\n"
        let bytes = Array(("tokenvigil: " + text).utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Shows what was printed so far also where standard output is a file or a pipe.
    static func flush() { fflush(nil) }

    /// Writes to standard output at once, all of it.
    static func write(_ text: String) {
        var rest = ArraySlice(text.utf8)
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR || errno == EAGAIN else { return }
            rest = rest.dropFirst(max(count, 0))
        }
    }

    /// Whether somebody still reads what goes to standard output.
    static var isRead: Bool {
        var descriptor = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        return unsafe poll(&descriptor, 1, 0) == 0 || descriptor.revents & Int16(POLLERR | POLLHUP) == 0
    }

    static func alarm(_ text: String) -> String { isColoured ? "\u{1B}[1;31m\(text)\u{1B}[0m" : text }

    /// A line in grey, whatever its colours were.
    static func faded(_ text: String) -> String {
        guard isColoured else { return text }
        var plain = ""
        var isCode = false
        for character in text {
            if character == "\u{1B}" {
                isCode = true
            } else if !isCode {
                plain.append(character)
            } else if character == "m" {
                isCode = false
            }
        }
        return dim(plain)
    }

    static func bold(_ text: String) -> String { isColoured ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
    static func dim(_ text: String) -> String { isColoured ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

    /// A state in its colour.
    static func coloured(_ text: String, as state: StateName) -> String {
        guard isColoured else { return text }
        let code =
            switch state {
            case .valid: "32"
            case .limited, .suspect, .blind, .misconfigured: "33"
            case .invalid: "1;31"
            case .unknown, .pending: "2"
            }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    /// A piece of a timeline in the colour of its state: as many different ones as a terminal has.
    static func painted(_ text: String, as state: StateName?) -> String {
        guard isColoured else { return text }
        let code =
            switch state {
            case .valid: "32"
            case .limited: "93"
            case .suspect: "33"
            case .misconfigured: "35"
            case .invalid: "31"
            case .unknown, .blind, .pending: "37"
            case nil: "90"
            }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    /// Number of columns: what COLUMNS says, else the terminal's, else 100.
    static var width: Int {
        if let columns = variable("COLUMNS").flatMap({ Int($0) }), columns > 20 { return min(columns, 1000) }
        return size.map(\.columns).flatMap { $0 > 20 ? $0 : nil } ?? 100
    }

    /// How large the terminal is now; `nil` where there is none, or it does not know.
    static var size: (columns: Int, rows: Int)? {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return nil
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}

/// Columns of text, each as wide as its widest cell.
struct TextTable {
    private let header: [String]
    private var rows: [[String]] = []
    private var states: [StateName?] = []

    init(_ header: String...) {
        self.header = header
    }

    /// Adds a row; its second cell is coloured as `state`.
    mutating func add(_ cells: [String], state: StateName? = nil) {
        rows.append(cells.map(\.printable))
        states.append(state)
    }

    /// The table, one line each, the last column unpadded.
    var lines: [String] {
        let widths = header.indices.map { column in
            ([header] + rows).map { $0[column].columns }.max() ?? 0
        }
        func padded(_ cells: [String], paint: (Int, String) -> String) -> String {
            cells.enumerated().map { column, cell in
                let isLast = column == cells.count - 1
                return paint(column, cell)
                    + (isLast ? "" : String(repeating: " ", count: widths[column] - cell.columns))
            }.joined(separator: "  ")
        }
        let body = rows.enumerated().map { index, cells in
            padded(cells) { column, cell in
                guard column == 1, let state = states[index] else { return cell }
                return Terminal.coloured(cell, as: state)
            }
        }
        return [Terminal.dim(padded(header) { $1 })] + body
    }
}
