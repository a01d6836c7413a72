import Testing
import TokenHealth

/// What is a page for people, told by its first letters: every answer is looked at for that.
struct PageTests {
    private func verdict(_ body: String, type: String? = nil) -> Verdict {
        let headers = type.map { [HeaderField("Content-Type", $0)] } ?? []
        let answer = Answer(status: 401, headers: headers, body: Array(body.utf8))
        return Judge(token: Sample.token()).finding(on: Exchange(.answered(answer))).verdict
    }

    @Test(arguments: [
        "<html><body>no", "<!DOCTYPE HTML PUBLIC>", "<!doctype html>", "\n\t <HEAD><title>",
        "\u{A0}\u{2003}<Html lang=en>",
        String(repeating: " ", count: 500) + "<html>",
    ])
    func `a page is from a wall, whatever stands before it`(body: String) {
        #expect(verdict(body) == .indeterminate(.blocked))
    }

    @Test(arguments: ["{\"message\":\"<html>\"}", "<xml/>", "no <html>", "<", "", "<htm", "401"])
    func `what only holds a tag is no page`(body: String) {
        #expect(verdict(body) != .indeterminate(.blocked))
    }

    @Test func `a media type makes a page of what is no JSON`() {
        #expect(verdict("sign in", type: "Text/HTML; charset=utf-8") == .indeterminate(.blocked))
        #expect(verdict("sign in", type: "application/xhtml+xml") == .indeterminate(.blocked))
        #expect(verdict("sign in", type: "text/htm") != .indeterminate(.blocked))
        #expect(verdict(#"{"message":"Unauthenticated."}"#, type: "text/html") == .rejected(.credential))
    }

    @Test func `the place of a secret is found wherever it stands`() {
        for text in ["{token}", "Bearer {token}", "{token} {", "{{token}", "Basic {token:base64}"] {
            #expect(SecretPlace.token.isIn(text), "\(text)")
        }
        for text in ["", "{", "{token", "token}", "Bearer {tokem}", "{asker}"] {
            #expect(!SecretPlace.token.isIn(text), "\(text)")
        }
    }
}
