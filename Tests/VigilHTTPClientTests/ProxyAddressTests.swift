import Testing

@testable import VigilHTTPClient

/// What libcurl makes of the value of a variable that names a proxy, and what people are shown of it.
@Suite struct ProxyAddressTests {
    @Test(arguments: [
        ("proxy.example.com:3128", "proxy.example.com:3128"),
        ("http://proxy.example.com:3128/", "proxy.example.com:3128"),
        ("http://ann:hunter2@proxy.example.com:3128", "proxy.example.com:3128"),
        ("ann:hunter2@proxy.example.com:3128", "proxy.example.com:3128"),
        ("proxy.example.com", "proxy.example.com:1080"), ("http://proxy.example.com", "proxy.example.com:1080"),
        ("https://proxy.example.com", "proxy.example.com:443"),
        ("socks5h://127.0.0.1", "127.0.0.1:1080"), ("http://[fd00::1]:3128", "[fd00::1]:3128"),
    ])
    func `is shown with its port, and without its login`(value: String, shown: String) throws {
        #expect(try ProxyAddress(value).description == shown)
    }

    @Test(arguments: [
        ("foo://ann:hunter2@127.0.0.1:1", ProxyAddress.Fault.scheme("foo")), ("ftp.example.com:21", .scheme("ftp")),
        ("http://ann:hunter2@proxy.example.com:abc", .port), ("http://proxy.example.com:70000", .port),
        ("http://pro xy:1", .syntax), ("http://", .syntax),
    ])
    func `that is none is refused with its cause, and without its login`(value: String, fault: ProxyAddress.Fault) {
        #expect(throws: fault) { try ProxyAddress(value) }
        let problem = ProxyEnvironment(["https_proxy": value]).secure?.problem ?? ""
        #expect(problem.hasPrefix("https_proxy in the environment names no proxy: "))
        #expect(!problem.contains("hunter2"))
    }

    @Test func `the way to a URL is told as libcurl takes it`() throws {
        let environment = ProxyEnvironment([
            "HTTPS_PROXY": "proxy.example.com:3128",
            "NO_PROXY": "10.0.0.0/8,fd00::/8,.corp.example,y.example:8443,192.0.2.1,Z.example.",
        ])
        for direct in [
            "https://10.1.2.3/", "https://[fd00::1]/", "https://corp.example", "https://a.CORP.example:8443/x",
            "https://y.example:8443", "https://192.0.2.1", "https://127.0.0.1", "http://api.example.com",
            "https://z.example",
        ] {
            #expect(environment.way(to: direct) == nil, "\(direct)")
        }
        for proxied in [
            "https://11.1.2.3/", "https://[fe00::1]/", "https://acorp.example", "https://y.example",
            "https://192.0.2.2", "https://api.example.com",
        ] {
            #expect(environment.way(to: proxied)?.name == "HTTPS_PROXY", "\(proxied)")
        }
    }
}
