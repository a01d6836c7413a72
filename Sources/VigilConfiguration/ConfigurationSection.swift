/// The kinds of mapping a configuration is made of, each with the keys it may have.
///
/// This is the one list: the loader refuses what is not here, and the JSON Schema is tested against it.
enum ConfigurationSection: String, CaseIterable, Sendable {
    case root, defaults, confirm, token, dependant, expect, secret
    case provider, probe, namedProbe, auth, matcher, identity, limits, remedy
    case expiry, scopes, membership, oauth, delegation, grant
    case webhook, alertmanager, sendmail, journald, command
    case state, history, status, control, listen, metrics, heartbeat, drill, maintenance

    /// Every key that may stand in such a mapping, besides names the user chooses.
    var keys: [String] { ConfigurationSection.keysOfEach[self] ?? listed }

    /// Put together once: they are asked for with every key of every token.
    private static let keysOfEach = Dictionary(uniqueKeysWithValues: allCases.map { ($0, $0.listed) })

    private var listed: [String] {
        switch self {
        case .root:
            [
                "version", "defaults", "tokens", "providers", "notifiers", "maintenance", "state", "history", "status",
                "control", "listen", "metrics", "heartbeat", "drill",
            ]
        case .defaults:
            [
                "interval", "timeout", "confirm", "blind_after", "group_wait", "provider_grace", "remind",
                "expiry_steps", "notify", "escalate", "escalate_after",
            ]
        case .confirm: ["rejections", "over"]
        case .token:
            [
                "provider", "probe", "secret", "grant", "ask_as", "owner", "used_by", "expect", "base_url", "ca_file",
                "allow_plaintext",
            ] + ConfigurationSection.defaults.listed
        case .dependant: ["name", "owner", "url"]
        case .expect: ["identity", "scopes"]
        case .secret: ["file", "allow_world_readable", "credential", "env", "command", "cache"]
        case .provider:
            ["base_url", "probe", "probes", "parameters", "auth"] + ConfigurationSection.judgement
                + ["membership", "oauth", "limits", "lifetime", "remedy", "ca_file", "allow_plaintext"]
        case .probe: ["method", "path", "headers", "required_headers", "form", "json"]
        case .namedProbe: ConfigurationSection.probe.listed + ConfigurationSection.judgement
        case .auth: ["header", "value", "also"]
        case .matcher: ["status", "header", "body", "json", "reason"]
        case .identity: ["id", "name"]
        case .limits: ["rate", "failed_logins", "advised_interval"]
        case .remedy: ["url", "steps", "causes"]
        case .expiry: ["header", "json", "seconds_left"]
        case .scopes: ["header", "json"]
        case .membership: ["path", "headers", "parameter", "list", "id", "total_pages", "page", "every"]
        case .oauth: ["token_url", "scope", "authentication", "on_behalf_of", "remedy"]
        case .delegation: ["path", "headers"]
        case .grant:
            [
                "type", "client_id", "token_url", "scope", "authentication", "every", "on_behalf_of", "rejected",
                "limited", "unrelated",
            ]
        case .webhook:
            [
                "type", "url", "format", "routing_key", "access_token", "template", "content_type", "signing_secret",
                "ca_file", "allow_plaintext", "timeout",
            ] + ConfigurationSection.handover
        case .alertmanager:
            ["type", "urls", "access_token", "ca_file", "allow_plaintext", "timeout"] + ConfigurationSection.handover
        case .sendmail: ["type", "from", "to", "sendmail", "timeout"] + ConfigurationSection.handover
        case .journald: ["type"] + ConfigurationSection.handover
        case .command: ["type", "argv", "timeout"] + ConfigurationSection.handover
        case .state: ["directory"]
        case .history: ["keep"]
        case .status: ["file"]
        case .control: ["socket"]
        case .listen: ["address", "hosts"]
        case .metrics: ["textfile"]
        case .heartbeat: ["url", "every", "timeout"]
        case .drill: ["every", "at", "zone"]
        case .maintenance: ["tokens", "provider", "days", "from", "to", "zone", "reason"]
        }
    }

    /// What a message says where something else stands.
    var expectation: String {
        switch self {
        case .root: "a mapping with version and tokens"
        case .token: "a mapping with at least provider and secret"
        case .provider: "a mapping with at least probe"
        case .maintenance: "a mapping with from, to, zone and reason"
        case .probe, .namedProbe: "a mapping with at least path"
        default: "a mapping with \(Wording.choice(keys))"
        }
    }

    /// The keys that say what happens to what a notifier does not deliver.
    private static let handover = ["fallback", "fallback_after"]

    /// The keys that say what an answer means.
    private static let judgement = [
        "accepted", "rejected", "limited", "unrelated", "without_token", "identity", "expiry", "scopes",
    ]
}
