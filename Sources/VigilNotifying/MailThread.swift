import TokenHealth

/// How the mails of one incident find each other in a mailbox.
///
/// The root's id follows from the incident alone, so every mail can name it, after a restart and whichever mail came
/// first. The alert that opens the incident is the root; where it was never sent, mailers thread around the gap.
struct MailThread: Sendable, Hashable {
    /// Of this mail; the same for every attempt to deliver the alert.
    let messageID: String
    /// The mail this one answers; `nil` for one that begins a thread.
    let root: String?

    init(_ alert: Alert) {
        let own = MailThread.identifier(alert.id, host: alert.host)
        let root = alert.lastingIncidentID.map { MailThread.identifier($0, host: alert.host) }
        if let root, alert.opensIncident {
            messageID = root
            self.root = nil
        } else {
            messageID = own
            self.root = root
        }
    }

    private static func identifier(_ local: String, host: String) -> String {
        let domain = dotAtom(host)
        return "<\(dotAtom(local))@\(domain)>"
    }

    /// `text` in the characters of a message id, RFC 5322 section 3.2.3: no dot at an end, no two in a row.
    private static func dotAtom(_ text: String) -> String {
        var atom = ""
        for byte in text.utf8.prefix(200) {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: atom.unicodeScalars.append(Unicode.Scalar(byte))
            case 0x2E: atom += atom.isEmpty || atom.hasSuffix(".") ? "-" : "."
            default: atom += "-"
            }
        }
        if atom.hasSuffix(".") { atom = atom.dropLast() + "-" }
        return atom.isEmpty ? "unknown" : atom
    }
}

extension Alert {
    /// Whether this is the first that is said of its incident.
    ///
    /// One that changes what an incident is about, and one that reminds or ends it, is not.
    fileprivate var opensIncident: Bool {
        lastedSeconds == nil && kind.beginsIncident
    }
}
