/// Why there was no answer.
///
/// This is data: a network that fails says nothing about a token.
package struct TransportFailure: Error, Sendable, Hashable {
    /// How far the exchange came.
    package enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
        case dns, network, timeout, tls
    }

    package let kind: Kind
    /// What the network library said, without any header, URL query or login.
    package let detail: String
    /// What was wrong with TLS, where that is what failed and one can tell.
    package let tlsFault: TLSFault?
    /// Whether it is the fault of the proxy: the server has not been reached.
    package let isOfProxy: Bool

    package init(_ kind: Kind, _ detail: String, tlsFault: TLSFault? = nil, isOfProxy: Bool = false) {
        self.kind = kind
        self.detail = detail
        self.tlsFault = tlsFault
        self.isOfProxy = isOfProxy
    }

    /// What a person can do about a failure of TLS; `nil` where nothing can be said.
    ///
    /// - `authorities`: the file that `ca_file` names, where there is one.
    package func remedy(withAuthorities authorities: String?) -> String? {
        tlsFault?.remedy(isOfProxy: isOfProxy, authorities: authorities)
    }
}

/// What was wrong with TLS: it decides what helps.
package enum TLSFault: Sendable, Hashable, CaseIterable {
    case expired, notYetValid, otherName, unknownAuthority
    /// Only versions before 1.2 are spoken.
    case oldVersion
    /// Something else than TLS is spoken.
    case noTLS
    /// The file of authorities is of no use.
    case authoritiesFile

    /// What a person can do, without a dot.
    fileprivate func remedy(isOfProxy: Bool, authorities: String?) -> String {
        let peer = isOfProxy ? "proxy" : "server"
        switch self {
        case .expired: return "renew the certificate on the \(peer)"
        case .notYetValid: return "look at the clocks of this host and of the \(peer): timedatectl"
        case .otherName:
            let question = isOfProxy ? "is the name in HTTPS_PROXY right?" : "is base_url right?"
            return "\(question) if it is, the \(peer) needs a certificate for this name"
        case .unknownAuthority where isOfProxy:
            return "let this host trust the authority of the proxy: update-ca-certificates"
        case .unknownAuthority:
            guard let authorities else {
                return "if the server has an authority of your own, or a proxy on the way opens TLS, name it: ca_file"
            }
            return "put the authority of the server, or of a proxy on the way that opens TLS, into \(authorities)"
        case .oldVersion: return "the \(peer) must be upgraded"
        case .noTLS where isOfProxy: return "if the proxy takes requests in plain text, write http:// in HTTPS_PROXY"
        case .noTLS: return "is the port in base_url right?"
        case .authoritiesFile: return "put PEM certificates into the file that ca_file names"
        }
    }
}
