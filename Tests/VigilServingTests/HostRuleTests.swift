import Testing
import VigilHTTP

@testable import VigilServing

/// Whose names are answered to.
@Suite struct HostRuleTests {
    private func allows(_ hosts: String...) -> Bool {
        let request = HTTPRequest(method: "GET", target: "/", headers: hosts.map { ("Host", $0) })
        return HostRule(names: ["srv1", "tokens.example.com"]).allows(request)
    }

    @Test(arguments: [
        "localhost", "localhost:9718", "LOCALHOST:1", "127.0.0.1:9718", "[::1]:9718", "[::1]", "192.0.2.7:80", "srv1",
        "SRV1:80", "tokens.example.com", "tokens.example.com.", "a.localhost:1",
    ]) func `its own names and every address are answered`(host: String) {
        #expect(allows(host))
    }

    @Test(arguments: [
        "evil.example.net", "evil.example.net:9718", "", ":80", "localhost.evil.net", "127.0.0.1.evil.net", "1.2.3",
        "[::1", "a:b:c", "999.1.1.1", "tokens.example.com.evil.net", "[evil.net]",
    ]) func `a name that anybody can have point here is not`(host: String) {
        #expect(!allows(host))
    }

    @Test func `no Host and two of them are refused`() {
        #expect(!allows())
        #expect(!allows("localhost", "localhost"))
    }
}
