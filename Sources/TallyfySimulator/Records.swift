import FoundationEssentials

/// A user of the stand-in.
struct Person: Sendable {
    let id: Int
    let email: String
    let firstName: String
    let lastName: String
    let created: Date
    var lastLogin: Date?
    var suspended = false
    var passwordVersion = 1

    /// The password of the moment; a reset changes it.
    var password: String { "simulated-password-\(passwordVersion)" }
    var username: String { String(email.prefix { $0 != "@" }) }
}

/// The role of a member in an organization.
package enum MemberRole: String, Sendable, CaseIterable {
    case admin
    case standard
    case light
}

/// One user in one organization.
struct Membership: Sendable {
    let role: MemberRole
    var active = true
}

/// An organization, with the application that may act for it.
struct Organization: Sendable {
    let id: String
    let name: String
    let created: Date
    let clientID: Int
    var clientSecret: String
    var members: [Int: Membership] = [:]

    /// The membership, when it is active.
    func activeMember(_ user: Int?) -> Membership? {
        guard let user, let membership = members[user], membership.active else { return nil }
        return membership
    }
}

/// A browser logged in to the web application.
struct WebSession: Sendable {
    let id: Int
    let user: Int
    var organization: String?
    var lastSeen: Date
    var isOpen = true
}

/// A token that was handed out.
struct IssuedToken: Sendable {
    enum Kind: String, Sendable {
        case personal = "pat"
        case application = "app"
        case onBehalf = "obo"
        case oauth
    }

    enum State: String, Sendable {
        case live
        case loggedOut = "logged_out"
        case timedOut = "timed_out"
        case organizationSwitched = "org_switched"
        case passwordReset = "password_reset"
        case revokedAll = "revoked_all"
        case memberDisabled = "member_disabled"
    }

    let id: String
    let kind: Kind
    let user: Int?
    /// The organization of an application token.
    let organization: String?
    let client: Int
    let issued: Date
    let expires: Date
    /// The web session it belongs to, if any.
    let session: Int?
    var state = State.live
    var revoked: Date?
    /// How often it was refused, for alternating statuses.
    var refusals = 0
}

/// A refresh token of the password grant.
struct RefreshToken: Sendable {
    let user: Int
    let client: Int
    let expires: Date
}

/// Why a control action cannot be done.
package enum ControlError: Error, Equatable, CustomStringConvertible {
    case unknownUser(String)
    case unknownOrganization(String)
    case notAMember(user: Int, organization: String)
    case noOpenSession(user: Int)
    case duplicateUser(String)
    case invalid(String)

    /// The problem in words.
    package var description: String {
        switch self {
        case .unknownUser(let user): "there is no user '\(user)'"
        case .unknownOrganization(let organization): "there is no organization '\(organization)'"
        case .notAMember(let user, let organization): "user \(user) is not a member of organization '\(organization)'"
        case .noOpenSession(let user): "user \(user) is not logged in"
        case .duplicateUser(let user): "there is already a user '\(user)'"
        case .invalid(let problem): problem
        }
    }
}
