import TokenHealth
import VigilPlatform

/// An absolute `http` or `https` URL, taken apart far enough to say what is wrong with it.
struct WebAddress: Sendable, Hashable {
    let isEncrypted: Bool
    /// Without brackets, in lower case.
    let host: String
    /// Scheme, host, port, path and query, without the slashes at the end.
    let text: String
    /// As it was written, with the slashes at the end.
    let whole: String
    let hasQuery: Bool

    /// Why a text is no such URL; the text itself is never part of it, for a URL can hold a secret.
    enum Flaw: Error, Sendable, Hashable {
        case noScheme, noHost, badPort, userInfo, fragment, badCharacter, notASCII

        /// What is wrong, after the name of the key.
        var sentence: String {
            switch self {
            case .noScheme: "does not begin with https:// or http://"
            case .noHost: "has no host name after https://"
            case .badPort: "has a port that is not a number from 1 to 65535"
            case .userInfo: "has a user name or password before @: a secret never stands in a URL"
            case .fragment: "has a fragment (#…), which is never sent"
            case .badCharacter: "has a space, a control character, a brace or another character that no URL has"
            case .notASCII: "has a character that is not ASCII: write a host in its xn-- form, and the rest with %"
            }
        }
    }

    init(_ text: String) throws(Flaw) {
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { throw .notASCII }
        let allowed = text.utf8.allSatisfy { (0x21...0x7E).contains($0) && !"\"<>\\^`{|}".utf8.contains($0) }
        guard allowed else { throw .badCharacter }
        let lowercased = text.lowercased()
        let scheme = ["https://", "http://"].first { lowercased.hasPrefix($0) }
        guard let scheme else { throw .noScheme }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { !"/?#".contains($0) }
        guard !authority.contains("@") else { throw .userInfo }
        guard !rest.contains("#") else { throw .fragment }
        host = try WebAddress.host(in: authority)
        isEncrypted = scheme == "https://"
        hasQuery = rest.contains("?")
        whole = scheme + rest
        let trimmed = hasQuery ? rest : rest.dropTrailingSlashes
        self.text = scheme + trimmed
    }

    private static func host(in authority: Substring) throws(Flaw) -> String {
        let name: Substring
        let port: Substring
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { throw .noHost }
            name = authority[authority.index(after: authority.startIndex)..<end]
            port = authority[authority.index(after: end)...]
        } else {
            name = authority.prefix { $0 != ":" }
            port = authority.dropFirst(name.count)
        }
        guard !name.isEmpty, name != "." else { throw .noHost }
        guard name.utf8.allSatisfy({ $0.isLetterOrDigit || ".-_:".utf8.contains($0) }) else { throw .badCharacter }
        if !port.isEmpty {
            let digits = port.dropFirst()
            guard port.first == ":", digits.allSatisfy(\.isNumber), let number = UInt16(digits), number > 0 else {
                throw .badPort
            }
        }
        return name.lowercased()
    }

    /// What the path of `probe` is appended to: where it has none, every slash counts.
    func text(for probe: ProbeTemplate) -> String { probe.path.isEmpty ? whole : text }

    /// Whether requests stay on this host.
    var isLoopback: Bool { Loopback.contains(host) }
}

extension UInt8 {
    /// Whether this is an ASCII letter or digit.
    var isLetterOrDigit: Bool {
        (0x30...0x39).contains(self) || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self)
    }
}

extension Substring {
    fileprivate var dropTrailingSlashes: Substring {
        var text = self
        while text.last == "/" { text = text.dropLast() }
        return text
    }
}

extension Setting {
    /// An address of a page for people; nothing is ever sent there.
    func pageAddress() -> String? {
        guard let text = text("a URL"), !hasVariable(text) else { return nil }
        do {
            _ = try WebAddress(text.split(separator: "#", maxSplits: 1).first.map(String.init) ?? text)
            return text
        } catch {
            report("\(key) \(error.sentence)")
            return nil
        }
    }

    /// Reports what other programs fill in, for here it would stay as it is.
    private func hasVariable(_ text: String) -> Bool {
        guard text.contains("${") else { return false }
        report("\(key) has ${…} in it: variables are not filled in, write the value itself")
        return true
    }

    /// Where requests are sent: encrypted, unless it is this host or plain text is allowed.
    ///
    /// - Parameters:
    ///   - allowsPlaintext: `nil` where nothing can allow it.
    ///   - allowsQuery: whether more than a path may follow the host.
    /// - Returns: `nil` where it is no such URL.
    func webAddress(allowsPlaintext: Bool?, allowsQuery: Bool) -> WebAddress? {
        guard let text = text("a URL, https://…"), !hasVariable(text) else { return nil }
        let address: WebAddress
        do {
            address = try WebAddress(text)
        } catch {
            report("\(key) \(error.sentence)")
            return nil
        }
        guard allowsQuery || !address.hasQuery else {
            report("\(key) has a query (?…): only the path of a probe may have one")
            return nil
        }
        guard address.isEncrypted || address.isLoopback || allowsPlaintext == true else {
            let remedy = allowsPlaintext == nil ? "use https" : "use https, or say allow_plaintext: true"
            report(
                "\(key) is plain http to another host, where anyone on the way can read the secret: "
                    + remedy
            )
            return nil
        }
        return address
    }

    /// An absolute path on this host.
    ///
    /// - Parameter isConfidential: whether somebody may have put a secret here by mistake.
    /// - Returns: `nil` where it is none.
    func absolutePath(isConfidential: Bool = false) -> String? {
        guard let path = text("an absolute path"), !hasVariable(path) else { return nil }
        guard path.hasPrefix("/") else {
            let shown = isConfidential ? "" : " \(Wording.shown(path))"
            let hint = path.hasPrefix("~") ? ", for ~ is not filled in" : ""
            report("\(key)\(shown) is not an absolute path: begin it with /\(hint)")
            return nil
        }
        return path
    }

    /// A file with the authorities to trust.
    ///
    /// Anything but a file in its place would hold up who reads it when a connection is made.
    func authoritiesPath() -> String? {
        guard let path = absolutePath() else { return nil }
        if let kind = RegularFile.kindOfOther(at: path) {
            report("\(key) \(Wording.shown(path)) is \(kind): expected a file in PEM form")
            return nil
        }
        if let fault = log.authoritiesFault(at: path) {
            let text = "\(key) \(Wording.shown(path: path)): \(fault)"
            let note = " for this user, so it was not looked into; the service must be able to read it"
            log.warning(fault.isOfRights ? text + note : text, at: node.place, path: self.path)
        }
        return path
    }

    /// A command to run without a shell.
    func argv() -> [String]? {
        guard let elements = list("a list of words, the command first"), let first = elements.first else { return nil }
        guard let command = first.text(), let words = texts("a list of words") else { return nil }
        guard command.hasPrefix("/") else {
            first.report("the command is not an absolute path: begin it with /; it is run without a shell")
            return nil
        }
        return words
    }
}
