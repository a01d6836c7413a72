/// Which of two accounts of the API to imitate.
package enum Profile: String, Sendable, CaseIterable {
    /// What today's documents and clients say.
    case current
    /// What the founding document says.
    case seed
}

/// Behaviours on which the evidence disagrees; coding keys are the names of the control API.
package struct Switches: Sendable, Equatable, Codable {
    /// The status for a dead token.
    package enum DeadStatus: String, Sendable, Codable {
        case unauthorized = "401"
        case forbidden = "403"
        /// 401 first, then 403, and so on for each token.
        case alternate
    }

    /// The answer to a request without `X-Tallyfy-Client`.
    package enum MissingClientHeader: String, Sendable, Codable {
        case edge404
        case unauthorized = "401"
        case allow
    }

    /// The values of `X-Tallyfy-Client` that pass.
    package enum ClientHeaderValues: String, Sendable, Codable {
        case any
        case apiClientOnly = "APIClient"
    }

    /// The answer to a request that does not accept JSON.
    package enum MissingAccept: String, Sendable, Codable {
        case redirect
        case html
        case allow
    }

    /// The status for an organization the user is not in.
    package enum WrongOrganization: String, Sendable, Codable {
        case notFound = "404"
        case forbidden = "403"
    }

    /// What logging out does to the token.
    package enum LogoutMode: String, Sendable, Codable {
        /// The token is gone; the next login brings a new one.
        case delete
        /// A new token exists at once.
        case regenerate
    }

    /// The status of `/me` for an application token.
    package enum ApplicationTokenOnMe: String, Sendable, Codable {
        case unauthorized = "401"
        case allow = "200"
    }

    /// The form of the maintenance answer.
    package enum MaintenanceBody: String, Sendable, Codable, CaseIterable {
        case json
        case html
    }

    /// The forms in which `Retry-After` can come.
    package enum RetryAfterForm: String, Sendable, Codable {
        case seconds
        case date
        case absent
        case garbage
        /// One day.
        case huge
    }

    /// The form of the answer to a dead token.
    package enum Envelope: String, Sendable, Codable {
        /// `{"message":"Unauthenticated."}`
        case short
        /// The same with `"error":true` before it.
        case full
    }

    /// The status for a dead token.
    package var deadStatus = DeadStatus.unauthorized
    /// What happens without `X-Tallyfy-Client`.
    package var missingClientHeader = MissingClientHeader.edge404
    /// Which values of `X-Tallyfy-Client` pass.
    package var clientHeaderValues = ClientHeaderValues.any
    /// What happens without `Accept: application/json`.
    package var missingAccept = MissingAccept.redirect
    /// The status for an organization the user is not in.
    package var wrongOrganization = WrongOrganization.notFound
    /// What logging out does to the token.
    package var logoutMode = LogoutMode.delete
    /// Whether switching organization kills the token.
    package var switchOrganizationKills = false
    /// Whether a password reset kills the tokens.
    package var passwordResetKills = true
    /// Whether a session that times out takes its token along.
    package var timeoutKills = true
    /// Whether clearing cookies is as good as logging out.
    package var cookieClearKills = false
    /// How long a web session may rest before it times out; 0 is for ever.
    package var sessionIdleSeconds = 7200
    /// How long a personal access token lives.
    package var personalTokenSeconds = 15_778_800
    /// Whether the edge refuses tokens that were never issued.
    package var edgeChecksTokens = true
    /// The status of `/me` for an application token.
    package var applicationTokenOnMe = ApplicationTokenOnMe.unauthorized
    /// Requests in any 60 seconds; 0 is no limit.
    package var ratePerMinute = 600
    /// GET requests in any 5 seconds; 0 is no limit.
    package var burstGetPer5Seconds = 0
    /// The form of `Retry-After` when the throttle refuses.
    package var retryAfter = RetryAfterForm.seconds
    /// The form of the maintenance answer.
    package var maintenanceBody = MaintenanceBody.json
    /// The form of the answer to a dead token.
    package var envelope = Envelope.short
    /// Whether `/me` tells a role.
    package var meHasRole = true
    /// Whether deactivating a member kills the tokens of the user.
    package var deactivateKillsMe = false
    /// Whether the times in tokens have fractions of a second.
    package var fractionalClaims = true
    /// Whether new tokens are random text instead of JSON Web Tokens.
    package var opaqueTokens = false
    /// Whether using a refresh token replaces it.
    package var rotatesRefreshTokens = true
    /// How many tasks each user has in each organization.
    package var taskCount = 25
    /// The longest page of a list.
    package var longestPage = 100

    /// The switches of a profile.
    package init(_ profile: Profile = .current) {
        switch profile {
        case .current: break
        case .seed:
            deadStatus = .alternate
            missingClientHeader = .unauthorized
            clientHeaderValues = .apiClientOnly
            missingAccept = .allow
            wrongOrganization = .forbidden
            logoutMode = .regenerate
            switchOrganizationKills = true
            cookieClearKills = true
            edgeChecksTokens = false
            ratePerMinute = 100
            burstGetPer5Seconds = 12
        }
    }

    /// The names of the control API.
    enum CodingKeys: String, CodingKey, CaseIterable {
        case deadStatus = "dead_status"
        case missingClientHeader = "missing_client_header"
        case clientHeaderValues = "client_header_values"
        case missingAccept = "missing_accept"
        case wrongOrganization = "wrong_org"
        case logoutMode = "logout_mode"
        case switchOrganizationKills = "switch_org_kills"
        case passwordResetKills = "password_reset_kills"
        case timeoutKills = "timeout_kills"
        case cookieClearKills = "cookie_clear_kills"
        case sessionIdleSeconds = "session_idle_s"
        case personalTokenSeconds = "pat_ttl_s"
        case edgeChecksTokens = "edge_jwt_check"
        case applicationTokenOnMe = "app_token_on_me"
        case ratePerMinute = "rate_per_min"
        case burstGetPer5Seconds = "burst_get_per_5s"
        case retryAfter = "retry_after"
        case maintenanceBody = "maintenance_body"
        case envelope
        case meHasRole = "me_has_role"
        case deactivateKillsMe = "deactivate_kills_me"
        case fractionalClaims = "fractional_claims"
        case opaqueTokens = "opaque_tokens"
        case rotatesRefreshTokens = "rotate"
        case taskCount = "task_count"
        case longestPage = "per_page_cap"
    }
}
