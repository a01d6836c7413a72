import FoundationEssentials
import TokenHealth
import Testing

@testable import VigilNotifying

@Suite struct `A template` {
    private func rendered(_ text: String, _ alert: Alert = Samples.alert(.invalidated), type: String = "text/plain")
        throws
        -> String
    {
        String(decoding: try TemplateFormat(text, contentType: type).message(for: alert), as: UTF8.self)
    }

    @Test func `can name every fact`() throws {
        let text = try rendered(
            "{{kind}} {{severity}} {{host}} {{#tokens}}{{name}}/{{state}}/{{reason}}/{{http_status}}{{/tokens}} "
                + "{{token_count}} {{#remedy_steps}}({{.}}){{/remedy_steps}}{{^is_good_news}} bad{{/is_good_news}}"
        )
        #expect(
            text.hasPrefix("token.invalidated critical srv1.example.com hr-onboarding/invalid/revoked/401 1 (Sign in")
        )
        #expect(text.hasSuffix(") bad"))
    }

    @Test func `leaves out what is not known`() throws {
        #expect(
            try rendered("{{#incident_id}}I{{/incident_id}}{{^incident_id}}none{{/incident_id}}", Samples.alert(.test))
                == "none"
        )
    }

    @Test(arguments: [
        ("application/json", #"\"a\" \\ <b> & c"#), ("application/vnd.x+json; charset=utf-8", #"\"a\" \\ <b> & c"#),
        ("text/xml", #"&quot;a&quot; \ &lt;b&gt; &amp; c"#),
        ("application/x-www-form-urlencoded", "%22a%22%20%5C%20%3Cb%3E%20%26%20c"), ("text/plain", #""a" \ <b> & c"#),
    ])
    func `gets values escaped for what it makes, in either kind of braces`(_ type: String, expected: String) throws {
        let alert = Samples.hostile(#""a" \ <b> & c"#)
        for tag in ["{{summary}}", "{{{summary}}}", "{{&summary}}"] {
            let isJSON = type.contains("json")
            let text = try rendered(isJSON ? "{\"x\": \"\(tag)\"}" : tag, alert, type: type)
            #expect(text == (isJSON ? "{\"x\": \"\(expected)\"}" : expected))
        }
    }

    @Test func `cannot be broken out of`() throws {
        let text = try rendered(
            #"{"x": "{{summary}}"}"#,
            Samples.hostile(#"", "admin": true, "y": "{{kind}} {{/x}} \"#),
            type: "application/json"
        )
        #expect(JSONValue(parsing: Array(text.utf8)) == ["x": #"", "admin": true, "y": "{{kind}} {{/x}} \"#])
    }

    @Test(arguments: [
        ("{{#tokens}}", "line 1"), ("a\nb\n{{#tokens}}x{{/token}}", "line 3"), ("{{name", "line 1"),
        ("{{% X:Y}}", "pragma"), ("{{=x}}", "delimiters"),
    ])
    func `that is broken is told with its line`(_ text: String, part: String) throws {
        #expect {
            try TemplateFormat(text, contentType: "text/plain")
        } throws: { error in
            (error as? TemplateProblem)?.fault.contains(part) == true
        }
    }

    @Test func `cut anywhere is read or refused`() {
        for end in 0...Forms.template.count {
            let text = String(Forms.template.prefix(end))
            let format = try? TemplateFormat(text, contentType: "text/plain")
            #expect((try? format?.message(for: Samples.alert(.invalidated)))?.isEmpty != true || end == 0)
        }
    }

    @Test func `is tried with every kind of alert before it is used`() async throws {
        try await Workshop.open { (workshop) async throws -> Void in
            func problem(_ text: String, type: String = "application/json") throws -> String? {
                let file = "\(workshop.path)/message.mustache"
                try Data(text.utf8).write(to: URL(filePath: file))
                return MessageTemplate(path: file, contentType: type).problem
            }
            #expect(try problem(Forms.template) == nil)
            #expect(try problem("no JSON", type: "text/plain") == nil)
            #expect(try problem("no JSON")?.contains("gives no valid JSON for an alert of the kind") == true)
            // Right for one token, wrong for three.
            #expect(try problem("[{{#tokens}}\"{{name}}\"{{/tokens}}]")?.contains("last()") == true)
            #expect(try problem("{{#a}}")?.contains("not closed") == true)
            let missing = MessageTemplate(path: "\(workshop.path)/missing")
            #expect(missing.problem == "cannot be read (there is no such file)")
        }
    }
}
