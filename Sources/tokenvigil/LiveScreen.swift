import Dispatch
import Glibc
import TokenHealth

/// The alternate screen of the terminal while something live is shown on it.
///
/// However it ends, by a key, by a signal or by the end of its input: the terminal is as it was before.
final class LiveScreen {
    /// What happens meanwhile.
    enum Event: Sendable {
        /// Time has passed, or the terminal has another size.
        case redraw
        case quit
        case signal(Int32)
    }

    /// A terminal that knows it shows the frame whole at once (synchronized output); others ignore it.
    private static let frameBegin = "\u{1B}[?2026h\u{1B}[H"
    private static let frameEnd = "\u{1B}[?2026l"

    private static let ends = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    private var sources: [any DispatchSourceProtocol] = []
    private let face = ScreenFace()

    /// Shows the screen.
    ///
    /// - Returns: what happens until ``end()``, with a redraw at the beginning and once a `period`.
    func begin(every period: Duration) -> AsyncStream<Event> {
        let (events, happened) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingNewest(64))
        let queue = DispatchQueue(label: "tokenvigil.screen")
        for number in LiveScreen.ends {
            sources.append(trap(number, on: queue) { happened.yield(.signal(number)) })
        }
        sources.append(trap(SIGWINCH, on: queue) { happened.yield(.redraw) })
        sources.append(
            trap(SIGTSTP, on: queue) { [face] in
                face.leave()
                raise(SIGSTOP)
                // Somebody has said `fg`.
                face.enter()
                happened.yield(.redraw)
            }
        )
        if face.hasKeys { sources.append(keys(on: queue) { happened.yield(.quit) }) }
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.schedule(deadline: .now(), repeating: .milliseconds(period.inMilliseconds))
        timer.setEventHandler { happened.yield(.redraw) }
        sources.append(timer)
        face.enter()
        for source in sources { source.resume() }
        return events
    }

    /// Draws lines that fit the terminal, in one piece.
    func draw(_ lines: (_ columns: Int, _ rows: Int) -> [String]) {
        let size = Terminal.size ?? (columns: 80, rows: 24)
        let lines = lines(size.columns, size.rows)
        // Each line is emptied before it is written: behind a full one, its last character would go.
        let body = lines.map { "\u{1B}[K" + $0 }.joined(separator: "\r\n")
        let rest = lines.count < size.rows ? "\r\n\u{1B}[J" : ""
        Terminal.write(LiveScreen.frameBegin + body + rest + LiveScreen.frameEnd)
    }

    /// Leaves the screen.
    func end() {
        for source in sources { source.cancel() }
        face.leave()
    }

    // MARK: - What happens

    private func trap(
        _ number: Int32,
        on queue: DispatchQueue,
        _ handler: @escaping @Sendable () -> Void
    ) -> any DispatchSourceProtocol {
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler(handler: handler)
        return source
    }

    private func keys(
        on queue: DispatchQueue,
        quit: @escaping @Sendable () -> Void
    ) -> any DispatchSourceProtocol {
        let source = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO, queue: queue)
        source.setEventHandler {
            var byte: UInt8 = 0
            let count = unsafe read(STDIN_FILENO, &byte, 1)
            if count == 1, byte == UInt8(ascii: "q") || byte == UInt8(ascii: "Q") { quit() }
            // The terminal is gone.
            if count == 0 { quit() }
        }
        return source
    }
}

/// How the terminal looks and takes keys meanwhile, and how it did before.
private struct ScreenFace: Sendable {
    /// Alternate screen, no cursor, no wrapping of long lines.
    private static let begin = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[2J"
    private static let end = "\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"

    /// How keys were handled before; `nil` where standard input is no terminal.
    private let modes = ScreenFace.currentModes()

    var hasKeys: Bool { modes != nil }

    func enter() {
        set { $0.c_lflag &= ~tcflag_t(ICANON | ECHO) }
        Terminal.write(ScreenFace.begin)
    }

    func leave() {
        Terminal.write(ScreenFace.end)
        set { _ in }
    }

    /// - `change`: of what was before.
    private func set(_ change: (inout termios) -> Void) {
        guard var modes else { return }
        change(&modes)
        _ = unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &modes)
    }

    private static func currentModes() -> termios? {
        var modes = termios()
        guard isatty(STDIN_FILENO) == 1, unsafe tcgetattr(STDIN_FILENO, &modes) == 0 else { return nil }
        return modes
    }
}
