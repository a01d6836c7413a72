import Glibc
import TallyfySimulator
import Testing
import TokenHealth

/// A secret goes only to a server that has proved who it is.
@Suite(.timeLimit(.minutes(5)), .needsFront) struct TLSTests {
    private func expectRefusal(of certificate: TestCertificate, trusting authorities: String?) async throws {
        try await withBench(tls: certificate) { bench async throws in
            let exchange = try await bench.probe { $0.certificateAuthorities = authorities }
            #expect(exchange.failure == .tls)
            #expect(exchange.detail.contains("certificate"))
            #expect(bench.tallyfy.requests() == [])
        }
    }

    @Test(arguments: [false, true])
    func `a server that the authorities vouch for gets the secret`(isHTTP2: Bool) async throws {
        let certificate = try TestCertificate(for: .address([127, 0, 0, 1]))
        try await withBench(tls: certificate, isHTTP2: isHTTP2) { bench async throws in
            for fresh in [false, true, false] {
                let exchange = try await bench.probe(fresh: fresh) {
                    $0.certificateAuthorities = certificate.certificate
                }
                #expect(exchange.status == 200)
            }
            let connections = bench.tallyfy.requests().map(\.userAgent)
            #expect(connections.allSatisfy { $0?.hasSuffix(isHTTP2 ? "HTTP/2.0" : "HTTP/1.1") == true })
            #expect(connections[0] == connections[2])
            #expect(connections[0] != connections[1])
        }
    }

    @Test func `an unknown authority is a failure of TLS, and the secret is not sent`() async throws {
        try await expectRefusal(of: TestCertificate(for: .address([127, 0, 0, 1])), trusting: nil)
    }

    @Test func `another authority than the one named is a failure of TLS`() async throws {
        let other = try TestCertificate(for: .address([127, 0, 0, 1]))
        try await expectRefusal(of: TestCertificate(for: .address([127, 0, 0, 1])), trusting: other.certificate)
    }

    @Test func `a certificate for another name is a failure of TLS`() async throws {
        let certificate = try TestCertificate(for: .address([127, 0, 0, 9]))
        try await expectRefusal(of: certificate, trusting: certificate.certificate)
    }

    @Test func `a certificate that has expired is a failure of TLS`() async throws {
        let certificate = try TestCertificate(for: .address([127, 0, 0, 1]), until: 21)
        try await expectRefusal(of: certificate, trusting: certificate.certificate)
    }

    @Test func `a certificate with a common name alone is a failure of TLS`() async throws {
        let certificate = try TestCertificate(for: .commonName("127.0.0.1"))
        try await expectRefusal(of: certificate, trusting: certificate.certificate)
    }

    @Test func `a server that speaks no TLS later than 1.1 is a failure of TLS`() async throws {
        let certificate = try TestCertificate(for: .address([127, 0, 0, 1]))
        try await withBench(tls: certificate, protocols: "TLSv1 TLSv1.1") { bench async throws in
            let exchange = try await bench.probe { $0.certificateAuthorities = certificate.certificate }
            #expect(exchange.failure == .tls)
            #expect(exchange.detail == "the server speaks no TLS that is safe: it must speak 1.2 or later")
            #expect(bench.tallyfy.requests() == [])
        }
    }

    @Test(arguments: ["a pipe", "a directory", "nothing in it"])
    func `a file of authorities that is none is told by name, and waited for by nobody`(kind: String) async throws {
        let directory = try ScratchDirectory()
        let path = directory.path("ca.pem")
        switch kind {
        case "a pipe": try #require(unsafe mkfifo(path, 0o600) == 0)
        case "a directory": try #require(unsafe mkdir(path, 0o700) == 0)
        default: try directory.write("", to: "ca.pem")
        }
        let causes = [
            "a pipe": "it is a named pipe, not a regular file", "a directory": "it is a directory, not a regular file",
            "nothing in it": "it holds no certificate in PEM form",
        ]
        try await withBench { bench async throws in
            let exchange = try await bench.probe { $0.certificateAuthorities = path }
            #expect(exchange.failure == .tls)
            #expect(exchange.detail == "ca_file \(path): \(causes[kind] ?? "")")
        }
    }

    @Test func `a file of authorities that is replaced counts at once`() async throws {
        let certificate = try TestCertificate(for: .address([127, 0, 0, 1]))
        let other = try TestCertificate(for: .address([127, 0, 0, 1]))
        let directory = try ScratchDirectory()
        try await withBench(tls: certificate) { bench async throws in
            func status() async throws -> Int? {
                try await bench.probe(fresh: true) { $0.certificateAuthorities = directory.path("ca.pem") }.status
            }
            try directory.copy(other.certificate, to: "ca.pem")
            #expect(try await status() == nil)
            try directory.copy(certificate.certificate, to: "ca.pem")
            #expect(try await status() == 200)
        }
    }

    @Test func `a file of authorities that is missing is told by name`() async throws {
        let certificate = try TestCertificate(for: .address([127, 0, 0, 1]))
        try await withBench(tls: certificate) { bench async throws in
            let exchange = try await bench.probe { $0.certificateAuthorities = "/nonexistent/ca.pem" }
            #expect(exchange.failure == .tls)
            #expect(exchange.detail == "ca_file /nonexistent/ca.pem: there is no such file")
            #expect(bench.tallyfy.requests() == [])
        }
    }

    @Test func `a server without TLS on the port of TLS is a failure of TLS`() async throws {
        try await withBench { bench async throws in
            let url = bench.url.replacing("http:", with: "https:")
            let exchange = try await bench.probe { $0.baseURL = url }
            #expect(exchange.failure == .tls)
            #expect(bench.tallyfy.requests() == [])
        }
    }
}
