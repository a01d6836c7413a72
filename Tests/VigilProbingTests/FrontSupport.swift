import Glibc
import Subprocess
import SystemPackage
import Testing
import TokenHealth
import VigilHTTPClient

/// The front of ``withFront(_:isHTTP2:to:_:)``, from Debian's `nginx-light`.
enum Front {
    static let program = "/usr/sbin/nginx"
    static let isInstalled = unsafe access(program, X_OK) == 0
}

extension Trait where Self == ConditionTrait {
    /// For tests behind a front.
    static var needsFront: Self {
        .enabled(if: Front.isInstalled, "nginx is not installed: apt-get install nginx-light")
    }
}

/// Runs `body` with a real nginx on a free loopback port, which speaks TLS, and HTTP/2 where it is asked to, and hands
/// every request on to `target` on this host, with the port and the protocol of the caller in place of the
/// `User-Agent`.
func withFront(
    _ certificate: TestCertificate,
    isHTTP2: Bool = false,
    protocols tls: String = "TLSv1.2 TLSv1.3",
    to target: Int,
    _ body: (Int) async throws -> Void
) async throws {
    // Somebody may take the port between its choice and its use.
    for attempt in 1...5 {
        let port = try freePort()
        let directory = try ScratchDirectory()
        let protocols = isHTTP2 ? "ssl http2" : "ssl"
        let configuration = """
            daemon off; worker_processes 1; pid \(directory.path("pid")); error_log stderr;
            events { worker_connections 4096; }
            http {
                access_log off; server_tokens off; keepalive_requests 100000; client_max_body_size 0;
                client_body_temp_path \(directory.path("body")); proxy_temp_path \(directory.path("proxy"));
                fastcgi_temp_path \(directory.path("f")); uwsgi_temp_path \(directory.path("u"));
                scgi_temp_path \(directory.path("s"));
                server {
                    listen 127.0.0.1:\(port) \(protocols);
                    ssl_protocols \(tls); ssl_ciphers DEFAULT:@SECLEVEL=0;
                    ssl_certificate \(certificate.certificate); ssl_certificate_key \(certificate.key);
                    location / {
                        proxy_pass http://127.0.0.1:\(target); proxy_http_version 1.1; proxy_set_header Connection "";
                        proxy_set_header Host $host; proxy_set_header User-Agent "$remote_port $server_protocol";
                        proxy_buffering off; proxy_read_timeout 600s;
                    }
                    location = /front { return 204; }
                }
            }
            """
        try directory.write(configuration, to: "nginx.conf")
        let result = try await run(
            .path(FilePath(Front.program)),
            arguments: ["-p", directory.path, "-c", directory.path("nginx.conf")],
            input: .none,
            output: .discarded,
            error: .discarded
        ) { execution in
            guard try await answers(port, trusting: certificate.certificate) else { return false }
            do {
                try await body(port)
            } catch {
                await execution.teardown(using: [.gracefulShutDown(allowedDurationToNextStep: .seconds(5))])
                throw error
            }
            await execution.teardown(using: [.gracefulShutDown(allowedDurationToNextStep: .seconds(5))])
            return true
        }
        if result.closureResult { return }
        try #require(attempt < 5, "nginx does not start")
    }
}

/// Whether something speaks TLS there within ten seconds.
private func answers(_ port: Int, trusting authorities: String) async throws -> Bool {
    try await HTTPClient.with(environment: [:]) { client in
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline {
            var request = HTTPRequest("GET", "https://127.0.0.1:\(port)/front", timeLimit: .seconds(1))
            request.certificateAuthorities = authorities
            guard case .failed(let failure) = await client.send(request).outcome else { return true }
            if failure.kind == .tls { return true }
            await Task.yield()
        }
        return false
    }
}

/// A loopback port that nobody listens on now.
private func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
            unsafe bind(descriptor, generic, size) == 0 && getsockname(descriptor, generic, &size) == 0
        }
    }
    try #require(isBound)
    return Int(UInt16(bigEndian: address.sin_port))
}
