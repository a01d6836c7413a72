import Glibc
import Testing
import VigilSystemd

/// Each test that needs an environment runs in a process of its own: the environment belongs to the whole process.
struct ServiceManagerTests {
    @Test func `without a notify socket a message goes nowhere and says so`() async {
        await #expect(processExitsWith: .success) {
            setEnvironment("NOTIFY_SOCKET", nil)
            #expect(!ServiceManager().isPresent)
            #expect(ServiceManager().notify(.ready) == .unmanaged)
        }
    }

    @Test func `a socket nobody reads is a failure with its errno`() async {
        await #expect(processExitsWith: .success) {
            setEnvironment("NOTIFY_SOCKET", "/tmp/tokenvigil-no-such-socket")
            #expect(ServiceManager().isPresent)
            #expect(ServiceManager().notify(.ready) == .failed(errno: ENOENT))
        }
    }

    @Test func `each state arrives as the assignment systemd documents`() async {
        await #expect(processExitsWith: .success) {
            let socket = try RecordingNotifySocket()
            setEnvironment("NOTIFY_SOCKET", socket.path)
            let manager = ServiceManager()
            let table: [(ServiceManager.State, String)] = [
                (.ready, "READY=1"),
                (.status("watching 3 tokens"), "STATUS=watching 3 tokens"),
                (.stopping, "STOPPING=1"),
                (.watchdog, "WATCHDOG=1"),
                (.errno(ENOSPC), "ERRNO=28"),
            ]
            for (state, line) in table {
                #expect(manager.notify(state) == .sent)
                #expect(socket.next() == [line])
            }
        }
    }

    @Test func `several states share one message`() async {
        await #expect(processExitsWith: .success) {
            let socket = try RecordingNotifySocket()
            setEnvironment("NOTIFY_SOCKET", socket.path)
            ServiceManager().notify(.ready, .status("ready"))
            #expect(socket.next() == ["READY=1", "STATUS=ready"])
        }
    }

    @Test func `a status cannot smuggle in another assignment`() async {
        await #expect(processExitsWith: .success) {
            let socket = try RecordingNotifySocket()
            setEnvironment("NOTIFY_SOCKET", socket.path)
            ServiceManager().notify(.status("a\nMAINPID=1\r\nb\u{0}c"))
            #expect(socket.next() == ["STATUS=a MAINPID=1  b c"])
        }
    }

    @Test func `reloading carries the monotonic time in microseconds`() async {
        await #expect(processExitsWith: .success) {
            let socket = try RecordingNotifySocket()
            setEnvironment("NOTIFY_SOCKET", socket.path)
            var before = timespec()
            unsafe clock_gettime(CLOCK_MONOTONIC, &before)
            ServiceManager().notify(.reloading)
            let lines = try #require(socket.next())
            #expect(lines.first == "RELOADING=1")
            let stamp = try #require(lines.last?.split(separator: "=").last.flatMap { Int($0) })
            let earliest = before.tv_sec * 1_000_000 + before.tv_nsec / 1000
            #expect((earliest...(earliest + 60_000_000)).contains(stamp))
        }
    }

    @Test func `the watchdog interval is the one this process was given`() async {
        await #expect(processExitsWith: .success) {
            setEnvironment("WATCHDOG_USEC", "1500000")
            setEnvironment("WATCHDOG_PID", "\(getpid())")
            #expect(ServiceManager().watchdogInterval == .milliseconds(1500))
        }
    }

    @Test func `a watchdog meant for another process is none`() async {
        await #expect(processExitsWith: .success) {
            setEnvironment("WATCHDOG_USEC", "1500000")
            setEnvironment("WATCHDOG_PID", "1")
            #expect(ServiceManager().watchdogInterval == nil)
            setEnvironment("WATCHDOG_USEC", nil)
            #expect(ServiceManager().watchdogInterval == nil)
        }
    }
}
