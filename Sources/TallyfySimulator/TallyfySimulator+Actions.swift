package import FoundationEssentials

/// The control actions in process. Naming a user or organization that does not exist is a mistake of the caller
/// and stops the program.
extension TallyfySimulator {
    /// Adds an organization; returns its 32-digit id.
    package func addOrganization(name: String) -> String {
        onStage { $0.addOrganization(name: name, at: $1) }
    }

    /// The application that may act for an organization: what the token endpoint wants to hear.
    package func application(of organization: String) -> (clientID: String, clientSecret: String) {
        act { tallyfy, _ throws(ControlError) in
            let found = try tallyfy.existing(organization: organization)
            return (clientID: String(found.clientID), clientSecret: found.clientSecret)
        }
    }

    /// Adds a user, who joins `organization` if one is given; returns the user's id.
    package func addUser(
        email: String,
        id: Int? = nil,
        organization: String? = nil,
        role: MemberRole = .standard,
        firstName: String = "Svc",
        lastName: String = "Account"
    ) -> Int {
        act { tallyfy, now throws(ControlError) in
            try tallyfy.addUser(
                email: email,
                id: id,
                organization: organization,
                role: role,
                firstName: firstName,
                lastName: lastName,
                at: now
            )
        }
    }

    /// The password of the moment, for the password grant.
    package func password(of user: Int) -> String {
        act { tallyfy, _ throws(ControlError) in try tallyfy.existing(user: user).password }
    }

    /// Puts a user into an organization.
    package func addMember(user: Int, organization: String, role: MemberRole = .standard) {
        act { tallyfy, _ throws(ControlError) in
            try tallyfy.addMember(user: user, organization: organization, role: role)
        }
    }

    /// Opens a web session; returns its personal access token.
    package func login(user: Int, organization: String? = nil) -> String {
        act { tallyfy, now throws(ControlError) in
            try tallyfy.login(user: user, organization: organization, at: now)
        }
    }

    /// Ends the latest web session; returns the new token where logging out makes one.
    @discardableResult
    package func logout(user: Int) -> String? {
        act { tallyfy, now throws(ControlError) in try tallyfy.logout(user: user, at: now) }
    }

    /// Ends all web sessions; returns the new token where logging out makes one.
    @discardableResult
    package func logoutAll(user: Int) -> String? {
        act { tallyfy, now throws(ControlError) in try tallyfy.logout(user: user, all: true, at: now) }
    }

    /// Makes the user's web sessions older by so many seconds.
    package func idle(user: Int, seconds: Double) {
        act { tallyfy, _ throws(ControlError) in try tallyfy.idle(user: user, seconds: seconds) }
    }

    /// Clears the browser's cookies; returns the new token where that is as good as logging out and makes one.
    @discardableResult
    package func clearCookies(user: Int) -> String? {
        act { tallyfy, now throws(ControlError) in try tallyfy.clearCookies(user: user, at: now) }
    }

    /// Works in another organization; returns the new token where switching kills the old one.
    @discardableResult
    package func switchOrganization(user: Int, to organization: String) -> String? {
        act { tallyfy, now throws(ControlError) in
            try tallyfy.switchOrganization(user: user, to: organization, at: now)
        }
    }

    /// Resets the password.
    package func resetPassword(user: Int) {
        act { tallyfy, now throws(ControlError) in try tallyfy.resetPassword(user: user, at: now) }
    }

    /// Presses "Delete All Active Tokens".
    package func deleteAllTokens(user: Int) {
        act { tallyfy, now throws(ControlError) in try tallyfy.deleteAllTokens(user: user, at: now) }
    }

    /// Disables a member of an organization.
    package func deactivateMember(user: Int, organization: String) {
        act { tallyfy, now throws(ControlError) in
            try tallyfy.setMember(user: user, organization: organization, active: false, at: now)
        }
    }

    /// Makes a disabled member active again.
    package func reactivateMember(user: Int, organization: String) {
        act { tallyfy, now throws(ControlError) in
            try tallyfy.setMember(user: user, organization: organization, active: true, at: now)
        }
    }

    /// Suspends a user, or ends the suspension.
    package func suspend(user: Int, _ suspended: Bool = true) {
        act { tallyfy, _ throws(ControlError) in try tallyfy.suspend(user: user, suspended) }
    }

    /// Makes an application token, good for seven days.
    package func issueApplicationToken(organization: String) -> String {
        act { tallyfy, now throws(ControlError) in
            try tallyfy.issueApplicationToken(organization: organization, at: now)
        }
    }

    /// Gives the application of an organization another secret, and returns it.
    package func changeApplicationSecret(organization: String) -> String {
        act { tallyfy, _ throws(ControlError) in try tallyfy.changeApplicationSecret(organization: organization) }
    }

    /// The simulated time.
    package var now: Date { onStage { $0.simulatedTime(at: $1) } }

    /// Moves the simulated clock.
    package func advanceClock(by seconds: Double) {
        act { tallyfy, now throws(ControlError) in try tallyfy.advanceClock(by: seconds, at: now) }
    }

    /// Starts a fault.
    package func inject(_ fault: Fault) {
        act { tallyfy, now throws(ControlError) in try tallyfy.inject(fault, at: now) }
    }

    /// Ends all faults.
    package func clearFaults() { onStage { tallyfy, _ in tallyfy.clearFaults() } }

    /// Changes switches.
    package func configure(_ change: @Sendable (inout Switches) -> Void) {
        onStage { tallyfy, _ in change(&tallyfy.switches) }
    }

    /// The requests of the public port so far, oldest first.
    package func requests() -> [LoggedRequest] { onStage { tallyfy, _ in tallyfy.log } }

    /// Forgets everything but the first switches.
    package func reset() { onStage { tallyfy, _ in tallyfy.reset() } }

    private func act<Result: Sendable>(
        _ action: (inout SimulatedTallyfy, Date) throws(ControlError) -> Result
    ) -> Result {
        onStage { tallyfy, now in
            do throws(ControlError) {
                return try action(&tallyfy, now)
            } catch {
                preconditionFailure("The stand-in cannot do this: \(error)")
            }
        }
    }
}
