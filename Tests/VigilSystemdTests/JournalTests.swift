import Glibc
import Testing
import VigilSystemd

struct JournalTests {
    private static let longName = String(repeating: "A", count: 65)

    @Test(arguments: ["", "lower", "_TRUSTED", "1ST", "WITH SPACE", "A=B", "Ü", "A\n", longName])
    func `a name the journal would drop is refused before anything is written`(name: String) {
        #expect(throws: JournalError.invalidFieldName(name)) {
            try Journal().send([(name: "MESSAGE", value: "m"), (name: name, value: "v")])
        }
    }

    @Test func `an entry of no field or of too many is refused`() {
        let many = Array(repeating: (name: "A", value: "b"), count: Journal.maximumFields + 1)
        #expect(throws: JournalError.unacceptableFieldCount(0)) { try Journal().send([]) }
        #expect(throws: JournalError.unacceptableFieldCount(many.count)) { try Journal().send(many) }
    }

    @Test(.disabled(if: Journal().isReachable, "a journal runs here"))
    func `a missing journal is an error that may be retried`() throws {
        let error = #expect(throws: JournalError.self) { try Journal().send([(name: "MESSAGE", value: "lost")]) }
        #expect(error?.isRetryable == true)
        #expect("\(try #require(error))".contains("cannot reach the journal"))
    }

    @Test(.enabled(if: Journal().isReachable, "no journal runs here"))
    func `values of any text are accepted`() throws {
        try Journal().send([
            (name: "MESSAGE", value: "tokenvigil's own tests: a=b, grüße, 日本"),
            (name: "SYSLOG_IDENTIFIER", value: "tokenvigil-tests"),
            (name: "TOKENVIGIL_TEST", value: "line one\nline two\n\nNOT_A_FIELD=x\u{0}y"),
            (name: "TOKENVIGIL_TEST", value: ""),
        ])
        try Journal().send(Array(repeating: (name: "TOKENVIGIL_TEST", value: "a\nb"), count: Journal.maximumFields))
        try Journal().send([(name: "TOKENVIGIL_TEST", value: String(repeating: "long ", count: 100_000))])
    }

    @Test func `standard error is the journal only when device and inode agree`() async {
        await #expect(processExitsWith: .success) {
            var status = stat()
            unsafe fstat(STDERR_FILENO, &status)
            setEnvironment("JOURNAL_STREAM", nil)
            #expect(!Journal().readsStandardError)
            setEnvironment("JOURNAL_STREAM", "\(status.st_dev):\(status.st_ino)")
            #expect(Journal().readsStandardError)
            setEnvironment("JOURNAL_STREAM", "\(status.st_dev):\(status.st_ino + 1)")
            #expect(!Journal().readsStandardError)
            setEnvironment("JOURNAL_STREAM", "nonsense")
            #expect(!Journal().readsStandardError)
        }
    }
}
