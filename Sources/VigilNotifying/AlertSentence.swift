import FoundationEssentials
import TokenHealth

/// The one sentence that somebody woken at night must read, in words that need no manual.
struct AlertSentence: Sendable {
    let alert: Alert

    init(_ alert: Alert) {
        self.alert = alert
    }

    /// What happened.
    ///
    /// It names the tokens, up to three of them.
    var text: String {
        switch alert.kind {
        case .invalidated: "\(opening) \(isOne ? "has" : "have") stopped working\(because(deathCause))."
        case .limited: "\(opening) still \(isOne ? "works" : "work"), but not for everything\(because(limit))."
        case .recovered where alert.ending == .removed, .expiring where alert.ending == .removed:
            "\(opening) \(isOne ? "is" : "are") no longer watched: \(isOne ? "it is" : "they are") configured no more."
        case .recovered: "\(opening) \(isOne ? "works" : "work") again\(outage)."
        case .reminder: reminder
        case .expiring where alert.ending == .renewed: "\(opening) \(isOne ? "has" : "have") been renewed in time."
        case .expiring where alert.ending == .outlived:
            "\(opening) \(isOne ? "is" : "are") dead: the warning of \(isOne ? "its" : "their") expiry is over."
        case .expiring: expiry
        case .blind: "It is not known whether \(subject) \(isOne ? "works" : "work")\(because(darkness))."
        case .sighted: "\(opening) can be checked again, and \(isOne ? "works" : "work")\(darkTime)."
        case .identityChanged:
            "\(opening) now \(isOne ? "belongs" : "belong") to somebody else than expected\(newIdentity)."
        case .replaced: "\(opening) \(isOne ? "has" : "have") been replaced by a new one, which works."
        case .misconfigured: "\(opening) cannot be checked: something is set up wrongly."
        case .providerIncident:
            "Provider \(provider) rejects \(isOne ? "its token" : "\(alert.tokenCount) tokens at once")."
        case .providerRecovered where alert.ending == .removed:
            "Of a provider in trouble no token is watched any more."
        case .providerRecovered: "Provider \(provider) accepts its tokens again\(outage)."
        case .notifierFailing where alert.isAboutState: "What happens is not being recorded: \(alert.summary)."
        case .notifierRecovered where alert.isAboutState: "What happens is recorded again: \(alert.summary)."
        case .notifierFailing where alert.isAboutConfiguration:
            "A new configuration is not used, the old one stays: \(alert.summary)."
        case .notifierRecovered where alert.isAboutConfiguration:
            "The configuration is as it should be: \(alert.summary)."
        case .test where alert.isDrillReport: "This is the end of a test: \(alert.summary)."
        case .notifierRecovered where alert.ending == .removed:
            "A notifier that did not work is no longer configured: \(alert.summary)."
        case .notifierFailing: "Alerts are not getting through: \(alert.summary)."
        case .notifierRecovered: "Alerts get through again: \(alert.summary)."
        case .test: "This is a test. No token has stopped working."
        }
    }

    /// What the sentence may leave people to fear or hope wrongly; `nil` where there is nothing to add.
    var reassurance: String? {
        switch alert.kind {
        case .blind:
            "Nothing is known to be wrong with the token itself. Do not replace it because of this message."
        case .misconfigured:
            "This does not mean that the token has stopped working. It means that nobody would notice if it did."
        case .recovered where alert.ending == .removed, .providerRecovered where alert.ending == .removed,
            .expiring where alert.ending == .removed:
            "This does not mean that all is well. It means that nobody is told any more."
        case .recovered, .providerRecovered:
            "Jobs that failed in the meantime do not repeat themselves."
        case .identityChanged:
            "Jobs that use it act in that account's name. Treat it as a security matter until it is explained."
        case .providerIncident:
            "That is more often a fault at the provider than the end of each token. Replace none of them yet."
        case .replaced:
            "If nobody on your team did this, find out who did."
        case .notifierFailing where alert.isAboutState:
            "Tokens are watched and alerts go out as before. What is not on disk is lost if this program ends meanwhile."
        case .notifierFailing where alert.isAboutConfiguration:
            "Tokens are watched and alerts go out as before, by the old configuration. A restart would fail."
        case .test where alert.isDrillReport:
            nil
        case .notifierFailing:
            "The alerts are kept and tried again, but people who rely on that way know nothing of them meanwhile."
        case .test:
            "If you can read this where alerts should arrive, the way works."
        case .notifierRecovered where alert.ending == .removed:
            "Alerts that waited for it went to the others. Whoever relied on it is told by them, or not at all."
        case .invalidated, .limited, .reminder, .expiring, .sighted, .notifierRecovered:
            nil
        }
    }
}

// MARK: - Parts

extension AlertSentence {
    private var isOne: Bool { alert.tokenCount <= 1 }

    private var subject: String {
        let names = alert.tokens.compactMap(\.name?.text)
        let count = names.count + alert.omittedTokens
        guard count > 1 else { return names.first.map { "token \($0)" } ?? "a token" }
        guard !names.isEmpty else { return "\(count) tokens" }
        if count <= 3, names.count == count { return "\(count) tokens (\(names.joined(separator: ", ")))" }
        let shown = names.prefix(2)
        return "\(count) tokens (\(shown.joined(separator: ", ")) and \(count - shown.count) more)"
    }

    /// The subject at the beginning of a sentence.
    private var opening: String { subject.prefix(1).uppercased() + subject.dropFirst() }

    private var provider: String { alert.tokens.first?.provider ?? "the provider" }

    private var reason: String? { alert.tokens.first?.reason }

    private func because(_ cause: String?) -> String { cause.map { ": \($0)" } ?? "" }

    private var length: String? { alert.lastedSeconds.map { Duration.seconds($0).short } }

    private var outage: String { length.map { ". It was out of order for \($0)" } ?? "" }

    private var darkTime: String { length.map { ". For \($0) it could not" } ?? "" }

    private var newIdentity: String {
        alert.tokens.first?.identity.map { ": \($0.label)" } ?? ""
    }

    private var deathCause: String? {
        switch reason.flatMap(RejectionReason.init(rawValue:)) {
        case .expired: isOne ? "it has expired" : "they have expired"
        case .revoked:
            isOne ? "it was deleted or revoked before its time" : "they were deleted or revoked before their time"
        case .rejected: "\(provider) rejects \(isOne ? "it" : "them")"
        case .refused:
            isOne
                ? "it is dead or has lost its rights; \(provider) answers both alike"
                : "they are dead or have lost their rights; \(provider) answers both alike"
        case .wrongIdentity: "\(isOne ? "it belongs" : "they belong") to somebody else now"
        case nil: nil
        }
    }

    private var limit: String? {
        switch reason.flatMap(Limitation.init(rawValue:)) {
        case .stepUp: "\(provider) asks for a stronger login"
        case .scope: "a permission is missing"
        case .plan: "the account's plan does not cover what is asked"
        case .forbidden: "what is asked is forbidden to it"
        case .locked: "its account is locked"
        case .scopesShrunk: "it has lost permissions it had or should have"
        case .organizationLost: "its account is no longer in the organization"
        case .delegationRefused: "the application may not act for its user"
        case nil: nil
        }
    }

    private var darkness: String? {
        switch reason.flatMap(Uncertainty.init(rawValue:)) {
        case .dns: "the address of \(provider) cannot be looked up"
        case .network: "\(provider) cannot be reached"
        case .timeout: "\(provider) does not answer in time"
        case .tls: "no secure connection to \(provider) can be made"
        case .unexpected: "\(provider) gives answers that make no sense"
        case .redirected: "\(provider) sends the question elsewhere"
        case .blocked: "something in between blocks the question"
        case .captive: "a proxy or a login page is in the way"
        case .rateLimited: "\(provider) asks to be left alone for a while"
        case .serverError: "\(provider) has a fault of its own"
        case .hostFailure: "this host cannot read the secret"
        case nil: nil
        }
    }

    private var reminder: String {
        let time = length.map { " for \($0) now" } ?? " for some time"
        let sinceThen = length.map { " This has lasted for \($0)." } ?? ""
        switch alert.tokens.first?.state {
        case .limited: return "\(opening) \(isOne ? "has" : "have") worked only in part\(time)\(because(limit))."
        case .blind, .unknown, .pending, .suspect:
            return
                "It is still not known whether \(subject) \(isOne ? "works" : "work")\(because(darkness)).\(sinceThen)"
        case .misconfigured: return "\(opening) still cannot be checked: something is set up wrongly.\(sinceThen)"
        case .invalid, .valid, nil:
            return "\(opening) \(isOne ? "has" : "have") not worked\(time)\(because(deathCause))."
        }
    }

    private var expiry: String {
        guard let end = alert.tokens.first?.expiresAt else { return "\(opening) will soon expire." }
        let isEstimated = alert.tokens.first?.expirySource == .estimate
        let left = Duration.seconds(end.timeIntervalSince(alert.createdAt))
        let doubt = isEstimated ? " That date is an estimate: the token itself does not tell." : ""
        guard left > .zero else {
            return "\(opening) still \(isOne ? "works" : "work"), but its time was up on \(end.dayUTC).\(doubt)"
        }
        return "\(opening) will stop working in \(left.short), on \(end.minuteUTC).\(doubt)"
    }
}
