/// A colour of every picture: of a state on the status page, in `history --format svg` and in mail, and of the ground
/// it stands on.
///
/// On the page it is a variable of the style sheet; a test compares the two.
package struct StateColour: Sendable, Hashable {
    /// On a light ground, as `#rrggbb`.
    package let light: String
    /// On a dark ground, as `#rrggbb`.
    package let dark: String

    /// Where nothing was seen.
    package static let unseen = StateColour(light: "#d9dee4", dark: "#3b4552")
    package static let page = StateColour(light: "#ffffff", dark: "#1c2229")
    package static let text = StateColour(light: "#1b2129", dark: "#e8ecf1")
    package static let soft = StateColour(light: "#55606e", dark: "#a5b0bd")
    package static let line = StateColour(light: "#d9dde3", dark: "#343c46")

    private init(light: String, dark: String) {
        self.light = light
        self.dark = dark
    }

    /// - `state`: `nil` where nothing was seen.
    package init(of state: StateName?) {
        switch state {
        case .valid: self.init(light: "#1f8a4c", dark: "#37a866")
        case .limited: self.init(light: "#b07a00", dark: "#d9a21b")
        case .invalid: self.init(light: "#c8202f", dark: "#f0525f")
        case .misconfigured: self.init(light: "#a3349b", dark: "#cf6bc7")
        case .suspect: self.init(light: "#d0660a", dark: "#ee8a38")
        case .unknown, .blind, .pending: self.init(light: "#8b95a1", dark: "#76818e")
        case nil: self = .unseen
        }
    }
}
