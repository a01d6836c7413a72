import Testing

@testable import VigilHTTPClient

/// Which proxy the environment names, and what libcurl is told of the exceptions.
@Suite struct ProxyEnvironmentTests {
    @Test func `each scheme has its own variable, and all have one for the rest`() {
        let environment = ProxyEnvironment(["HTTPS_PROXY": "s", "HTTP_PROXY": "p", "ALL_PROXY": "a"])
        #expect(environment.choice(for: "https://api.example.com/x").proxy == "s")
        #expect(environment.choice(for: "HTTP://api.example.com/x").proxy == "p")
        #expect(ProxyEnvironment(["ALL_PROXY": "a"]).choice(for: "https://api.example.com").proxy == "a")
        #expect(ProxyEnvironment([:]).choice(for: "https://api.example.com") == .direct)
    }

    @Test func `small letters come first, and what is empty does not count`() {
        let environment = ProxyEnvironment(["HTTPS_PROXY": "big", "https_proxy": "small"])
        #expect(environment.choice(for: "https://api.example.com").proxy == "small")
        let empty = ProxyEnvironment(["HTTPS_PROXY": "", "all_proxy": "a"])
        #expect(empty.choice(for: "https://api.example.com").proxy == "a")
    }

    @Test(arguments: ["http://127.0.0.1:8080/x", "https://localhost", "https://[::1]:443/", "https://a.localhost"])
    func `this host itself is asked directly`(url: String) {
        #expect(ProxyEnvironment(["ALL_PROXY": "a"]).choice(for: url) == .direct)
    }

    @Test func `networks, names and ports in NO_PROXY are given on as libcurl knows them`() {
        let environment = ProxyEnvironment([
            "ALL_PROXY": "a", "NO_PROXY": "10.0.0.0/8 fd00::/8,*.corp.example,.x.example,y.example:8443,[fd00::1]:443",
        ])
        let usual = environment.choice(for: "https://api.example.com/")
        #expect(usual.exceptions == "10.0.0.0/8,fd00::/8,.corp.example,.x.example,[fd00::1]")
        let other = environment.choice(for: "https://api.example.com:8443/")
        #expect(other.exceptions == "10.0.0.0/8,fd00::/8,.corp.example,.x.example,y.example")
        #expect(
            ProxyEnvironment(["ALL_PROXY": "a", "no_proxy": "*"]).choice(for: "https://a.example").exceptions == "*"
        )
    }
}
