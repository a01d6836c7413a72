/// How a monitoring plugin ends: the four states of Nagios and Icinga.
package enum PluginStatus: Int32, Sendable, Hashable, CaseIterable {
    case ok, warning, critical, unknown

    /// What a token in `state` is to a plugin.
    package init(of state: StateName) {
        switch state {
        case .valid: self = .ok
        case .limited, .suspect: self = .warning
        case .invalid: self = .critical
        case .unknown, .blind, .misconfigured, .pending: self = .unknown
        }
    }

    /// The word that plugins print.
    package var word: String {
        switch self {
        case .ok: "OK"
        case .warning: "WARNING"
        case .critical: "CRITICAL"
        case .unknown: "UNKNOWN"
        }
    }

    /// What several come to; `ok` for none.
    ///
    /// A dead token outweighs one of which nothing is known, which outweighs one in part of use.
    package static func worst(of all: some Sequence<PluginStatus>) -> PluginStatus {
        all.max { $0.weight < $1.weight } ?? .ok
    }

    /// More is worse.
    package var weight: Int {
        switch self {
        case .ok: 0
        case .warning: 1
        case .unknown: 2
        case .critical: 3
        }
    }
}
