import TokenHealth

/// What answers tell besides whose token it is: when it expires, what it may do, where its account belongs.
extension Setting {
    /// Where an answer says when the token expires: exactly one place.
    func expiryPlace() -> ExpiryPlace? {
        guard let fields = mapping(.expiry), let entry = onlyEntry(of: fields) else { return nil }
        switch entry.key {
        case "header": return entry.headerName().map { .header($0) }
        case "json": return entry.pointer().map { .json($0) }
        case "seconds_left": return entry.pointer().map { .secondsLeft($0) }
        default: return nil
        }
    }

    /// Where an answer lists the scopes: exactly one place.
    func scopePlace() -> ScopePlace? {
        guard let fields = mapping(.scopes), let entry = onlyEntry(of: fields) else { return nil }
        switch entry.key {
        case "header": return entry.headerName().map { .header($0) }
        case "json": return entry.pointer().map { .json($0) }
        default: return nil
        }
    }

    /// How to ask what an account belongs to.
    func membership() -> MembershipTemplate? {
        guard let fields = mapping(.membership) else { return nil }
        let path = fields.required("path", "the path of the list, as in path: /me/organizations?page={page}")?
            .probePath()
        let parameter = fields.required("parameter", "the key of a token that must be in the list")?.parameterName()
        let list = fields.required("list", "a JSON Pointer to the list, as in list: /data")?.pointer()
        let totalPages = fields["total_pages"]?.pointer()
        guard let path, let parameter, let list else { return nil }
        if path.contains("{page}"), fields["total_pages"] == nil {
            report("total_pages is missing: without the number of pages nobody knows where a list with {page} ends")
        }
        if !path.contains("{page}"), let setting = fields["total_pages"] {
            setting.report("total_pages needs {page} in path: only the first page would ever be read")
        }
        var template = MembershipTemplate(path: path, parameter: parameter, list: list, totalPages: totalPages)
        template.headers = fields.jsonHeaders()
        template.id = fields["id"]?.pointer()
        template.page = fields["page"]?.pointer()
        template.every = fields["every"]?.duration(atLeast: .seconds(1)) ?? template.every
        return template
    }

    private func onlyEntry(of fields: Fields) -> Setting? {
        if let entry = fields.entries.first, fields.entries.count == 1 { return entry.value }
        report("\(key) must name one place: \(Wording.choice(fields.section.keys))")
        return nil
    }

    private func headerName() -> String? {
        guard let name = text("the name of a header"), isHeaderName(name, at: node.place) else { return nil }
        return name
    }

    /// The name of a key that tokens of a provider may have.
    func parameterName() -> String? {
        guard let name = text("the name of a parameter") else { return nil }
        guard name.wholeMatch(of: /[A-Za-z][A-Za-z0-9_]*/) != nil else {
            report("\(Wording.shown(name)) is not a parameter name: letters, digits and _, a letter first")
            return nil
        }
        return name
    }

    /// What must be true of a token.
    func expectation(against probe: ProbeTemplate, isAsked: Bool) -> (identity: String?, scopes: [String]?) {
        guard let fields = mapping(.expect) else { return (nil, nil) }
        let identity = fields["identity"]?.text("an id or a name")
        let scopes = fields["scopes"]?.texts("a list of scopes")
        if fields.entries.isEmpty { report("expect is empty: expected identity or scopes") }
        if fields["identity"] != nil, probe.identity == nil || !isAsked {
            report("expect cannot be checked: the answers to this probe tell no identity")
        }
        if let setting = fields["scopes"], probe.scopes == nil, isAsked {
            log.warning(
                "scopes can only be checked where the token is a JWT that names them: this provider does not say "
                    + "where an answer lists them",
                at: setting.node.place,
                path: setting.path
            )
        }
        return (identity, scopes)
    }
}
