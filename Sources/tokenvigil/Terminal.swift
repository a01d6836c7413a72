import Glibc
import TokenHealth

/// What goes to the screen: results to standard output, messages to standard error, colour only on a terminal.
enum Terminal {
    /// Whether standard output shows colours.
    static let isColoured = unsafe getenv("NO_COLOR") == nil && isatty(STDOUT_FILENO) == 1

    /// Writes a message for a person to standard error.
    static func complain(_ message: String) {
        let text = message.hasSuffix("\n") ? message : message + "\n"
        let bytes = Array(("tokenvigil: " + text).utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Shows what was printed so far also where standard output is a file or a pipe.
    static func flush() { fflush(nil) }

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

    /// Number of columns, 100 where there is no terminal.
    static var width: Int {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 100 }
        return Int(size.ws_col)
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
        rows.append(cells)
        states.append(state)
    }

    /// The table, one line each, the last column unpadded.
    var lines: [String] {
        let widths = header.indices.map { column in
            ([header] + rows).map { $0[column].count }.max() ?? 0
        }
        func padded(_ cells: [String], paint: (Int, String) -> String) -> String {
            cells.enumerated().map { column, cell in
                let isLast = column == cells.count - 1
                return paint(column, cell) + (isLast ? "" : String(repeating: " ", count: widths[column] - cell.count))
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
