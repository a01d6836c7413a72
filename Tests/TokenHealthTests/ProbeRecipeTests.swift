import TokenHealth
import Testing

@Suite struct `The recipe that repeats a probe` {
    private func recipe(_ change: (inout WatchedToken) -> Void = { _ in }) -> ProbeRecipe {
        var token = Sample.token()
        change(&token)
        return ProbeRecipe(for: token)
    }

    @Test func `asks what the probe asks, and takes the secret from its file through a pipe`() {
        #expect(
            recipe().command == """
                : </etc/tokenvigil/secrets/hr-onboarding && curl -q -sS -i -g --max-time 10 -A tokenvigil \
                -H 'Accept: application/json' -H 'X-Client: APIClient' \
                -H @<(t=$(tr -d '[:space:]' </etc/tokenvigil/secrets/hr-onboarding); \
                printf %s 'Authorization: Bearer '"$t") https://api.example.test/me
                """
        )
    }

    @Test(arguments: [
        (SecretSource.credential(name: "bot"), "/run/credentials/tokenvigil.service/bot", "while the service runs"),
        (.environment(variable: "BOT_TOKEN"), "read -rs vigil_token && curl", "BOT_TOKEN"),
        (.command(argv: ["/usr/bin/vault", "read", "-field=x"]), "read -rs vigil_token && curl", "/usr/bin/vault"),
    ])
    func `says what to do where the secret is in no file`(source: SecretSource, inCommand: String, inNote: String) {
        let found = recipe { $0.secret = source }
        #expect(found.command?.contains(inCommand) == true)
        #expect(found.note.contains(inNote))
        #expect(!found.note.contains("-field"))
    }

    @Test(arguments: [
        ("/x/a b", "'/x/a b'"), ("/x/$(touch y)", "'/x/$(touch y)'"), ("/x/`y`", "'/x/`y`'"),
        ("/x/\"y\"", "'/x/\"y\"'"), ("/x/it's", #"$'/x/it\x27s'"#), ("/x/a\nb", #"$'/x/a\x0ab'"#),
        ("/x/it's \\ !", #"$'/x/it\x27s \x5c \x21'"#), ("/x/\u{202E}txt", #"$'/x/\xe2\x80\xaetxt'"#),
        ("/x/;y&z|", "'/x/;y&z|'"), ("~/x", "'~/x'"), ("/x/größe", "'/x/größe'"), ("/x/a!b", "'/x/a!b'"),
    ])
    func `quotes a name that means something to a shell`(path: String, word: String) {
        let command = recipe { $0.secret = .file(path: path) }.command ?? ""
        #expect(command.hasPrefix(": <\(word) && curl "))
        #expect(command.contains("tr -d '[:space:]' <\(word));"))
        #expect(command.contains("\n") == false)
    }

    @Test func `asks plain text of no proxy, with the authorities and the limit of the token`() {
        let command = recipe { token in
            token.baseURL = "http://[::1]:8080/a;b"
            token.certificateAuthorities = "/etc/my ca.pem"
            token.timeout = .milliseconds(2050)
            token.probe.method = "POST"
            token.probe.headers = [HeaderField("User-Agent", "it's me")]
        }.command
        #expect(command?.contains("--noproxy '*'") == true)
        #expect(command?.contains("--cacert '/etc/my ca.pem'") == true)
        #expect(command?.contains("--max-time 2.050") == true)
        #expect(command?.contains("-X POST") == true)
        #expect(command?.contains("-A ") == false)
        #expect(command?.contains(#"-H $'User-Agent: it\x27s me'"#) == true)
        #expect(command?.hasSuffix(" 'http://[::1]:8080/a;b/me'") == true)
    }

    @Test func `puts the secret where the provider wants it`() {
        let command = recipe { token in
            token.provider.authorization = AuthorizationTemplate(header: "X-Auth", value: "token '{token}'%s")
        }.command
        #expect(command?.contains(#"printf %s $'X-Auth: token \x27'"$t"$'\x27%s')"#) == true)
    }

    @Test func `has no command where several headers, a body or another credential belong to the request`() {
        #expect(recipe { $0.provider.authorization.alsoIn = ["X-Subject-Token"] }.command == nil)
        #expect(recipe { $0.probe.body = .form([HeaderField("kind", "access")]) }.command == nil)
        #expect(recipe { $0.asker = .credential(name: "asker") }.command == nil)
        #expect(recipe { $0.provider.authorization.value = "Basic {token:base64}" }.command == nil)
    }

    @Test func `has no command where a header cannot carry the secret`() {
        let found = recipe { $0.provider.authorization = AuthorizationTemplate(value: "Basic {other}") }
        #expect(found.command == nil)
        #expect(found.note.contains("tokenvigil probe hr-onboarding"))
    }
}
