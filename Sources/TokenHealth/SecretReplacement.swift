extension WatchedToken {
    /// The command that puts a new secret in place; `nil` where none can.
    package var replacementCommand: String? {
        guard case .file = secret, !isRenewedByOthers else { return nil }
        return "sudo tokenvigil replace \(name)"
    }

    /// What a person does to replace the secret where no command can; empty where ``replacementCommand`` does it.
    ///
    /// The name of the unit is that of the package.
    package var replacementSteps: [String] {
        if isRenewedByOthers {
            return [
                "The program that renews this access token must be authorized anew: what is put into "
                    + "\(secret) by hand is overwritten at its next renewal"
            ]
        }
        switch secret {
        case .file:
            return []
        case .credential(let credential):
            // systemd.exec(5): credentials are copied when the service starts.
            return [
                "Put the new token where the unit takes the credential \(credential) from: "
                    + "systemctl cat tokenvigil names the file; encrypted ones are made by systemd-creds encrypt",
                "systemctl restart tokenvigil, because credentials are copied when the service starts; "
                    + "open incidents and alerts survive that",
                "tokenvigil status \(name)",
            ]
        case .environment(let variable):
            return [
                "Put the new token where the service takes the environment variable \(variable) from",
                "Restart the service, because an environment is copied when it starts; open incidents and alerts "
                    + "survive that",
                "tokenvigil status \(name)",
            ]
        case .command(let argv, let cache):
            let age = cache > .zero ? "what it printed is used for \(cache.short)" : "it is run for every probe"
            return [
                "Put the new token where \(argv.first ?? "the command") takes it from; \(age), and nothing need be "
                    + "restarted",
                "tokenvigil status \(name)",
            ]
        }
    }
}
