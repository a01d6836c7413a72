import FoundationEssentials
import TallyfySimulator
import Testing

@Suite struct ControlTests {
    @Test func `a world can be built and a user logged in`() throws {
        var world = try SmallWorld()
        let organization = try #require(world.control("POST", "/_sim/orgs", #"{"name":"B"}"#).json["id"]?.string)
        #expect(organization.count == 32)
        let user = world.control(
            "POST",
            "/_sim/users",
            #"{"email":"b@example.test","id":77,"first_name":"Bee","last_name":"Zed","role":"admin"}"#
        )
        #expect(user.json["id"]?.integer == 77)
        let member = #"{"user":"B@example.test","org":"\#(organization)","role":"light"}"#
        #expect(world.control("POST", "/_sim/members", member).status == 200)
        for reference in ["77", #""77""#, #""b@example.test""#] {
            let login = world.control("POST", "/_sim/login", #"{"user":\#(reference),"org":"\#(organization)"}"#)
            let token = try #require(login.json["token"]?.string)
            #expect(login.json["token_fp"]?.string == SimulatedTallyfy.fingerprint(of: token))
            let me = world.get("/organizations/\(organization)/me", token)
            #expect(me.json["data"]?["full_name"]?.string == "Bee Zed")
            #expect(me.json["data"]?["role"]?.string == "light")
        }
    }

    @Test(arguments: [
        ("logout", 401), ("logout_all", 401), ("clear_cookies", 200), ("password_reset", 401),
        ("delete_all_tokens", 401), ("suspend", 403),
    ])
    func `a call on a user does what it says`(call: String, status: Int) throws {
        var world = try SmallWorld()
        #expect(world.control("POST", "/_sim/\(call)", #"{"user":\#(world.user)}"#).status == 200)
        #expect(world.get("/me").status == status)
    }

    @Test func `logging out hands out the new token where there is one`() throws {
        var world = try SmallWorld()
        let logout = #"{"user":\#(world.user)}"#
        #expect(world.control("POST", "/_sim/logout", logout).json["token"] == .null)
        #expect(world.control("POST", "/_sim/config", #"{"logout_mode":"regenerate"}"#).status == 200)
        let token = try #require(world.control("POST", "/_sim/logout", logout).json["token"]?.string)
        #expect(world.get("/me", token).status == 200)
    }

    @Test func `members, organizations and idleness are steered by name`() throws {
        var world = try SmallWorld()
        let pair = #"{"user":\#(world.user),"org":"\#(world.organization)"}"#
        #expect(world.control("POST", "/_sim/deactivate_member", pair).status == 200)
        #expect(world.get("/organizations/\(world.organization)").status == 404)
        #expect(world.control("POST", "/_sim/switch_org", pair).status == 400)
        #expect(world.control("POST", "/_sim/reactivate_member", pair).status == 200)
        #expect(world.control("POST", "/_sim/switch_org", pair).json["token"] == .null)
        #expect(world.control("POST", "/_sim/idle", #"{"user":\#(world.user),"seconds":8000}"#).status == 200)
        #expect(world.get("/me").status == 401)
        let problem = world.control("POST", "/_sim/switch_org", pair).json["error"]?.string
        #expect(problem == "user \(world.user) is not logged in")
    }

    @Test func `the clock moves by seconds or to a moment`() throws {
        var world = try SmallWorld()
        let moved = world.control("POST", "/_sim/clock", #"{"advance_s":60.5}"#)
        #expect(moved.json["now"]?.string == "2027-01-15T08:01:00.500Z")
        let set = world.control("POST", "/_sim/clock", #"{"set":"2030-01-01T00:00:00Z"}"#)
        #expect(set.json["now"]?.string == "2030-01-01T00:00:00.000Z")
        #expect(world.control("POST", "/_sim/clock", #"{"set":1800000000}"#).status == 200)
        #expect(world.tallyfy.clockOffset == 0)
    }

    @Test(arguments: [
        #"{"kind":"rate_limit","params":{"retry_after":"date","seconds":5}}"#: 429,
        #"{"kind":"rate_limit","params":{"retry_after":9}}"#: 429,
        #"{"kind":"maintenance","params":{"body":"html","retry_after":60}}"#: 503,
        #"{"kind":"waf","params":{"status":503}}"#: 503,
        #"{"kind":"status","params":{"status":418,"body":"tea","headers":{"X-Pot":"1"}}}"#: 418,
        #"{"kind":"status","params":{"status":200,"body_base64":"H4s=","headers":{"Content-Encoding":"gzip"}}}"#: 200,
        #"{"kind":"body","params":{"variant":"null_data"}}"#: 200,
        #"{"kind":"non_credential_401","params":{"text":"Unauthorized."}}"#: 401,
        #"{"kind":"business_403"}"#: 403,
        #"{"kind":"delay","params":{"seconds":0.5}}"#: 200,
        #"{"kind":"reset","params":null}"#: 200,
        #"{"kind":"refuse"}"#: 0,
        #"{"kind":"stall"}"#: 0,
        #"{"kind":"slow_body","params":{"bytes":3,"pause_s":0.1}}"#: 200,
        #"{"kind":"wrong_user"}"#: 200,
        #"{"kind":"flap","params":{"status":500,"pattern":"10"}}"#: 500,
        #"{"kind":"redirect","params":{"status":301}}"#: 301,
        #"{"kind":"business_403","route":"/me","count":1,"for_s":10,"after":0,"token_fp":null}"#: 403,
        #"{"kind":"business_403","route":"/other"}"#: 200,
        #"{"kind":"business_403","token_fp":"000000000000"}"#: 200,
        #"{"kind":"business_403","after":1}"#: 200,
    ])
    func `every fault can be injected by name`(body: String, status: Int) throws {
        var world = try SmallWorld()
        let answer = world.control("POST", "/_sim/fault", body)
        #expect(answer.text == #"{"ok":true}"#)
        #expect(world.get("/me").status == status)
        #expect(world.control("DELETE", "/_sim/fault").status == 200)
        #expect(world.get("/me").status == 200)
    }

    @Test func `switches change by name, numbers standing for statuses`() throws {
        var world = try SmallWorld()
        let body = #"{"profile":"seed","dead_status":403,"rate_per_min":7,"me_has_role":false,"retry_after":"huge"}"#
        #expect(world.control("POST", "/_sim/config", body).text == #"{"ok":true}"#)
        var expected = Switches(.seed)
        expected.deadStatus = .forbidden
        expected.ratePerMinute = 7
        expected.meHasRole = false
        expected.retryAfter = .huge
        #expect(world.tallyfy.switches == expected)
    }

    @Test func `the state tells everything but tokens`() throws {
        var world = try SmallWorld()
        _ = try world.tallyfy.issueApplicationToken(organization: world.organization, at: world.now)
        let state = world.control("GET", "/_sim/state")
        #expect(state.json["users"]?[0]?["email"]?.string == "svc@example.test")
        #expect(state.json["orgs"]?[0]?["members"]?[0]?["status"]?.string == "active")
        #expect(state.json["sessions"]?[0]?["open"]?.bool == true)
        #expect(state.json["tokens"]?.elements?.count == 2)
        #expect(state.json["switches"]?["dead_status"]?.string == "401")
        #expect(!state.text.contains(world.token))
    }

    @Test func `the log names headers and never a token`() throws {
        var world = try SmallWorld()
        _ = world.get("/api/me?secret=1")
        let log = world.control("GET", "/_sim/requests")
        let entry = log.json["requests"]?[0]
        #expect(entry?["method"]?.string == "GET")
        #expect(entry?["path"]?.string == "/api/me")
        #expect(entry?["header_names"] == ["Accept", "X-Tallyfy-Client", "Authorization"])
        #expect(entry?["has_authorization"]?.bool == true)
        #expect(entry?["token_fp"]?.string == SimulatedTallyfy.fingerprint(of: world.token))
        #expect(entry?["status"]?.integer == 200)
        #expect(!log.text.contains(world.token))
        #expect(!log.text.contains("secret"))
        #expect(world.control("POST", "/_sim/reset").status == 200)
        #expect(world.control("GET", "/_sim/requests").text == #"{"requests":[]}"#)
    }

    @Test(arguments: [
        ("GET", "/_sim/login"), ("POST", "/_sim/nothing"), ("POST", "/_sim/"), ("POST", "/login"), ("GET", "/api/me"),
        ("DELETE", "/_sim/state"), ("PUT", "/_sim/fault"),
    ])
    func `an unknown call is not found`(method: String, path: String) throws {
        var world = try SmallWorld()
        let answer = world.control(method, path)
        #expect(answer.status == 404)
        #expect(answer.json["error"]?.string == "there is no control call \(method) \(path)")
    }

    @Test(arguments: [
        ("login", "{", "the body is not JSON"),
        ("login", "[]", "the body must be a JSON object"),
        ("login", "", "'user' is missing"),
        ("login", #"{"user":null}"#, "'user' is missing"),
        ("login", #"{"user":true}"#, "'user' must be an id or an email"),
        ("login", #"{"user":1}"#, "there is no user '1'"),
        ("login", #"{"user":"who@example.test"}"#, "there is no user 'who@example.test'"),
        ("login", #"{"user":12345,"org":"x"}"#, "there is no organization 'x'"),
        ("login", #"{"user":12345,"org":5}"#, "'org' must be a string"),
        ("logout", #"{"user":12345,"all":true}"#, "unknown key 'all'; known keys: user"),
        ("users", #"{"email":"SVC@example.test"}"#, "there is already a user 'SVC@example.test'"),
        ("users", #"{"email":"a@b.test","id":0}"#, "a user id must be positive"),
        (
            "users", #"{"email":"a@b.test","role":"king"}"#,
            "'role' must be one of 'admin', 'standard', 'light', not 'king'"
        ),
        ("idle", #"{"user":12345,"seconds":-1}"#, "seconds must be from 0 to 1e9"),
        ("clock", "{}", "give either 'advance_s' or 'set'"),
        ("clock", #"{"advance_s":1e300}"#, "the clock cannot leave the years 1970 to 2200"),
        ("clock", #"{"advance_s":"1"}"#, "'advance_s' must be a number"),
        (
            "clock", #"{"set":"tomorrow"}"#,
            "'set' must be seconds since 1970 or a date such as '2026-01-31T12:00:00Z'"
        ),
        ("config", #"{"dead_status":404}"#, #"'dead_status' cannot be "404""#),
        ("config", #"{"rate_per_min":-1}"#, "'rate_per_min' must not be -1"),
        ("config", #"{"me_has_role":"yes"}"#, #"'me_has_role' cannot be "yes""#),
        ("fault", "{}", "'kind' is missing"),
        ("fault", #"{"kind":"meteor"}"#, "unknown fault kind 'meteor'"),
        (
            "fault", #"{"kind":"reset","params":{"x":1}}"#,
            "in 'params' of reset: unknown key 'x'; no keys are known here"
        ),
        ("fault", #"{"kind":"status"}"#, "'status' is missing in 'params'"),
        ("fault", #"{"kind":"status","params":{"status":7}}"#, "status must be from 200 to 599"),
        ("fault", #"{"kind":"flap","params":{"pattern":"yes"}}"#, "'pattern' must be made of 0 and 1"),
        ("fault", #"{"kind":"delay","params":{"seconds":1e99}}"#, "'seconds' must be from 0 to 86400 seconds"),
        ("reset", #"{"really":true}"#, "unknown key 'really'; no keys are known here"),
    ])
    func `a bad call is told what is wrong and changes nothing`(call: String, body: String, problem: String) throws {
        var world = try SmallWorld()
        let before = world.control("GET", "/_sim/state")
        let answer = world.control("POST", "/_sim/\(call)", body)
        #expect(answer.status == 400)
        #expect(answer.json["error"]?.string == problem)
        #expect(world.control("GET", "/_sim/state").text == before.text)
    }

    @Test(arguments: [
        String(repeating: "[", count: 100_000),
        String(repeating: "[", count: 400) + String(repeating: "]", count: 400),
        String(repeating: #"{"a":"#, count: 5_000), "\u{0}", #"{"user":1e999}"#, #"{"user":"\ud800"}"#,
        #"{"user":99999999999999999999999}"#,
    ])
    func `hostile documents are only bad calls`(body: String) throws {
        var world = try SmallWorld()
        #expect(world.control("POST", "/_sim/login", body).status == 400)
    }
}
