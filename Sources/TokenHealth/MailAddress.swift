/// An address that can stand in a header and in an argument list as it is: `oncall@example.com`, or `root` on this host.
///
/// The configuration and the mail program's callers ask this one, so that nothing passes that is refused later.
package struct MailAddress: Sendable, Hashable {
    package let text: String

    /// Checks the characters; `nil` for what could end a header, begin an option or name two recipients, and for what is
    /// not ASCII, which mail programs refuse.
    package init?(_ text: String) {
        let isPlain = text.utf8.allSatisfy { byte in
            (0x21...0x7E).contains(byte) && !"<>()[],;:\"\\".utf8.contains(byte)
        }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard isPlain, parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }), (1...254).contains(text.utf8.count),
            !text.hasPrefix("-")
        else { return nil }
        self.text = text
    }
}
