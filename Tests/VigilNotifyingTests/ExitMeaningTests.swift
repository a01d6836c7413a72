import TokenHealth
import Testing

@testable import VigilNotifying

@Suite struct `An exit status` {
    private func result(_ ending: ChildProcess.Ending, complaint: String = "") -> DeliveryResult {
        ChildProcess.Outcome(ending: ending, complaint: complaint)
            .result(of: "/usr/sbin/sendmail", success: "queued", timeLimit: .seconds(60))
    }

    @Test(arguments: 0...255 as ClosedRange<Int32>)
    func `means what sysexits says`(_ code: Int32) {
        let result = result(.exited(code))
        switch (code, result) {
        case (0, .delivered("queued")): break
        case (64, .refused), (65, .refused), (67, .refused), (77, .refused), (78, .refused): break
        case (0, _), (64, _), (65, _), (67, _), (77, _), (78, _): reject("\(code) became \(result)")
        case (_, .failed(_, nil)): break
        default: reject("\(code) became \(result)")
        }
    }

    @Test func `of 1 hints at a sandbox`() {
        #expect(result(.exited(1)).detail.contains("sandbox"))
    }

    @Test(arguments: [.signaled(9), .overran, .cancelled, .notFound, .broken("no memory")] as [ChildProcess.Ending])
    func `that there is none is tried again`(_ ending: ChildProcess.Ending) {
        guard case .failed(let text, nil) = result(ending) else { return reject("\(result(ending))") }
        #expect(text.contains("/usr/sbin/sendmail"))
    }

    @Test func `comes with what the program said, in moderation`() {
        let text = result(.exited(75), complaint: String(repeating: "e", count: 1000)).detail
        #expect(text.hasPrefix("/usr/sbin/sendmail ended with exit status 75 (try again later): \"eee"))
        #expect(text.count < 400)
    }
}
