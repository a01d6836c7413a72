import TokenHealth

/// The style sheet of a picture: the colours of the status page, light and dark.
enum PictureStyle {
    /// The class of a state; blind and pending look like unknown.
    static func name(of state: StateName?) -> String { state?.rawValue ?? "none" }

    static let element = "<style>\n" + ([shapes] + colours(\.light) + [dark]).joined(separator: "\n") + "\n</style>"

    private static let shapes = """
        svg { color-scheme: light dark; }
        text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
        .title { font-size: 19px; font-weight: 600; }
        .name { font-size: 14px; font-weight: 600; }
        .small { font-size: 12px; }
        .middle { text-anchor: middle; }
        .line { fill: none; stroke-width: 1; }
        .mark { fill: none; stroke-width: 2.5; stroke-linecap: round; }
        """

    private static var dark: String {
        "@media (prefers-color-scheme: dark) {\n" + colours(\.dark).map { "  \($0)" }.joined(separator: "\n") + "\n}"
    }

    private static func colours(_ side: (StateColour) -> String) -> [String] {
        let ground = [
            ".page { fill: \(side(StateColour.page)); }", "text, .name { fill: \(side(StateColour.text)); }",
            ".soft { fill: \(side(StateColour.soft)); }", ".line { stroke: \(side(StateColour.line)); }",
            ".mark { stroke: \(side(StateColour.text)); }",
        ]
        let states = (StateName.allCases.map(Optional.some) + [nil]).map { state in
            ".\(name(of: state)) { fill: \(side(StateColour(of: state))); }"
        }
        return ground + states
    }
}
