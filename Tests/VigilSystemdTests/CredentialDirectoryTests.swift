import Glibc
import Testing
import VigilSystemd

struct CredentialDirectoryTests {
    @Test(arguments: ["", ".", "..", "../secret", "a/b", "/etc/shadow", "a..b", "a b", "a\nb", "a\u{0}b", "a:b", "ü"])
    func `a name that could lead elsewhere is refused`(name: String) {
        #expect(throws: CredentialDirectory.Failure.invalidName(name)) {
            try CredentialDirectory(path: "/run/credentials/x").path(of: name)
        }
    }

    @Test(arguments: [nil, ""])
    func `without a directory the error names the credential`(path: String?) {
        #expect(throws: CredentialDirectory.Failure.notProvided(credential: "bot")) {
            try CredentialDirectory(path: path).path(of: "bot")
        }
    }

    @Test(arguments: ["/run/credentials/tokenvigil.service", "/run/credentials/tokenvigil.service/"])
    func `a credential is a file in the directory`(path: String) throws {
        let resolved = try CredentialDirectory(path: path).path(of: "matrix-bot_2.key")
        #expect(resolved == "/run/credentials/tokenvigil.service/matrix-bot_2.key")
    }

    @Test func `the directory is the one the service manager names`() async {
        await #expect(processExitsWith: .success) {
            setEnvironment("CREDENTIALS_DIRECTORY", "/run/credentials/a")
            let path = try CredentialDirectory().path(of: "b")
            #expect(path == "/run/credentials/a/b")
            setEnvironment("CREDENTIALS_DIRECTORY", nil)
            #expect(throws: CredentialDirectory.Failure.self) { try CredentialDirectory().path(of: "b") }
        }
    }
}
