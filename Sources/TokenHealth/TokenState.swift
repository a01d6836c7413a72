/// What we believe about a token.
package enum TokenState: Sendable, Hashable, Codable {
    case pending
    case valid
    case limited(Limitation)
    case suspect(Suspicion)
    case invalid(RejectionReason)
    case unknown(Darkness)
    case blind(Uncertainty, suspicion: Suspicion?)
    case misconfigured(Misconfiguration)

    /// The word for it in the status file.
    package var name: StateName {
        switch self {
        case .pending: .pending
        case .valid: .valid
        case .limited: .limited
        case .suspect: .suspect
        case .invalid: .invalid
        case .unknown: .unknown
        case .blind: .blind
        case .misconfigured: .misconfigured
        }
    }

    /// Why, in one word of the status file; `nil` where there is nothing to explain.
    package var reason: String? {
        switch self {
        case .pending, .valid: nil
        case .limited(let limitation): limitation.rawValue
        case .suspect(let suspicion): suspicion.reason.rawValue
        case .invalid(let reason): reason.rawValue
        case .unknown(let darkness): darkness.cause.rawValue
        case .blind(let cause, _): cause.rawValue
        case .misconfigured(let mistake): mistake.code
        }
    }

    /// The state when the secret is a new one.
    ///
    /// Nothing is known of it, and where nothing was known of the one before either, that lasts on until people are told: a
    /// secret that is replaced every ten minutes would keep them in the dark for ever.
    var withAnotherSecret: TokenState {
        switch self {
        case .unknown(let darkness): .unknown(darkness)
        case .suspect(let suspicion): suspicion.darkness.map { .unknown($0) } ?? .pending
        case .pending, .valid, .limited, .invalid, .blind, .misconfigured: .pending
        }
    }

    /// Whether `other` is this one but for how long nothing was known: that can be stored later.
    func isLike(_ other: TokenState) -> Bool {
        switch (self, other) {
        case (.unknown(let left), .unknown(let right)): left.cause == right.cause
        case (.suspect(let left), .suspect(let right)):
            left.reason == right.reason && left.rejections == right.rejections && left.span == right.span
        default: self == other
        }
    }

    /// The suspicion that is being confirmed, wherever it is kept.
    package var suspicion: Suspicion? {
        switch self {
        case .suspect(let suspicion): suspicion
        case .blind(_, let suspicion): suspicion
        case .pending, .valid, .limited, .invalid, .unknown, .misconfigured: nil
        }
    }
}

/// The eight states without what they carry, worst first.
package enum StateName: String, Sendable, Hashable, Codable, CaseIterable {
    case invalid, misconfigured, limited, blind, suspect, unknown, pending, valid
}

/// Rejections that are being confirmed.
package struct Suspicion: Sendable, Hashable, Codable {
    package var reason: RejectionReason
    /// Determinate rejections so far.
    package var rejections: Int
    /// Observed time from the first to the last rejection; a gap while the daemon was down does not count.
    package var span: Duration
    /// Nothing certain since the last rejection.
    package var darkness: Darkness?
    /// Uptime of the last rejection, within this process.
    private var lastAt: Duration?

    private enum CodingKeys: CodingKey { case reason, rejections, span, darkness }

    init(_ reason: RejectionReason, at now: Moment) {
        self.reason = reason
        rejections = 1
        span = .zero
        lastAt = now.uptime
    }

    /// The suspicion after one more rejection.
    func strengthened(_ reason: RejectionReason, at now: Moment) -> Suspicion {
        var next = self
        next.reason = reason
        next.rejections += 1
        if let lastAt { next.span += now.uptime - lastAt }
        next.lastAt = now.uptime
        next.darkness = nil
        return next
    }

    /// Whether this is enough, given what the control said.
    ///
    /// A control that cannot be reached postpones the confirmation, at most until twice the rejections are in.
    func isConfirmed(by confirmation: Confirmation, control: ControlResult?) -> Bool {
        guard hasEnough(for: confirmation) else { return false }
        switch control {
        case .unreachable: return rejections >= 2 * confirmation.rejections
        // Open to anybody, and this token is refused all the same: the refusal is about the token.
        case .open, .refused, .other, nil: return true
        }
    }

    func hasEnough(for confirmation: Confirmation) -> Bool {
        rejections >= confirmation.rejections && span >= confirmation.over
    }
}

/// A time in which nothing could be known.
package struct Darkness: Sendable, Hashable, Codable {
    package var cause: Uncertainty
    /// Observed length so far; a gap while the daemon was down does not count.
    package var lasted: Duration
    private var lastAt: Duration?

    private enum CodingKeys: CodingKey { case cause, lasted }

    /// Whether ``lasted`` grows with time: not after a restart, until the next look.
    var isCounted: Bool { lastAt != nil }

    init(_ cause: Uncertainty, at now: Moment) {
        self.cause = cause
        lasted = .zero
        lastAt = now.uptime
    }

    /// The darkness after one more look into it.
    func continued(_ cause: Uncertainty, at now: Moment) -> Darkness {
        var next = self
        next.cause = cause
        if let lastAt { next.lasted += now.uptime - lastAt }
        next.lastAt = now.uptime
        return next
    }
}
