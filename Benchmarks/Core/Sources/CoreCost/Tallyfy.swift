import TokenHealth

/// What tallyfy.yaml says of `/me`, without reading YAML.
enum Tallyfy {
    static var token: WatchedToken? {
        guard let name = TokenName("t1"), let id = JSONPointer("/data/id"), let email = JSONPointer("/data/email"),
            let errors = JSONPointer("/errors"), let empty = TextPattern(#"\A\s*\z"#),
            let action = TextPattern(#"(?i)"message"\s*:\s*"\s*(?:unauthorized action|unauthorized)\s*""#),
            let bare = TextPattern(#"(?i)\A\s*unauthorized\.\s*\z"#)
        else { return nil }
        let probe = ProbeTemplate(
            path: "/me",
            headers: [HeaderField("Accept", "application/json"), HeaderField("X-Tallyfy-Client", "APIClient")],
            requiredHeaders: ["X-Tallyfy-Client"],
            accepted: [Matcher(status: .exactly(200), json: [id: .present])],
            rejected: [Matcher(status: .exactly(401)), Matcher(status: .exactly(403), body: empty)],
            unrelated: [
                Matcher(status: .exactly(401), json: [errors: .present]),
                Matcher(status: .exactly(401), body: action),
                Matcher(status: .exactly(401), body: bare),
            ],
            identity: IdentityPointers(id: id, name: email)
        )
        let provider = Provider(
            name: "tallyfy",
            baseURL: "https://go.tallyfy.com/api",
            probe: probe,
            lifetime: .seconds(182 * 86_400)
        )
        return WatchedToken(name: name, provider: provider, secret: .file(path: "/x"), owner: "o1@example.test")
    }
}
