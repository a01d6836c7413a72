import FoundationEssentials
import TokenHealth
import Testing

@testable import VigilNotifying

@Suite struct `The signature of a webhook` {
    private func header(_ secret: String, id: String = "a.b", body: String = "{}") throws -> String? {
        WebhookSignature.header(
            id: id,
            timestamp: 1_731_705_121,
            body: Array(body.utf8),
            secret: try SecretLint.secret(in: Array(secret.utf8), source: "test")
        )
    }

    /// Published with the specification.
    @Test func `is the one of Standard Webhooks`() throws {
        let signature = try header(
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            id: "msg_loFOjxBNrRLzqYUf",
            body: #"{"event_type":"ping","data":{"success":true}}"#
        )
        #expect(signature == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=")
    }

    @Test(arguments: [
        "plain-secret-of-some-length", "whsec_plJ3nmyCDGBKInavdOK15jsl", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ])
    func `is what another implementation computes`(_ secret: String) async throws {
        let program = """
            import base64, hmac, sys
            secret = sys.argv[1]
            key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
            print("v1," + base64.b64encode(hmac.digest(key, sys.stdin.buffer.read(), "sha256")).decode())
            """
        let python = ChildProcess(
            executable: "python3",
            arguments: ["-c", program, secret],
            timeLimit: .seconds(60)
        )
        let outcome = await python.run(input: Array("a.b.1731705121.{}".utf8))
        #expect(outcome.ending == .exited(0), "\(outcome)")
        #expect(try header(secret) == outcome.complaint)
    }

    @Test func `accepts a key without its padding`() throws {
        #expect(try header("whsec_AAECAwQFBgcICQ==") == header("whsec_AAECAwQFBgcICQ"))
    }

    @Test(arguments: ["whsec_", "whsec_!!!!", "whsec_a"])
    func `does not exist for a key that is not base64`(_ secret: String) throws {
        #expect(try header(secret) == nil)
    }
}
