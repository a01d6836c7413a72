import Glibc
import Testing
import VigilPlatform

/// What becomes of a process that may not have what it needs.
@Suite struct HostRoomTests {
    private static let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    private static let processes = __rlimit_resource_t(__RLIMIT_NPROC.rawValue)

    private static func limit(_ resource: __rlimit_resource_t, to soft: rlim_t, hard: rlim_t) {
        var limit = rlimit(rlim_cur: soft, rlim_max: hard)
        #expect(unsafe setrlimit(resource, &limit) == 0)
    }

    private static var softLimitOfFiles: rlim_t {
        var limit = rlimit()
        #expect(unsafe getrlimit(files, &limit) == 0)
        return limit.rlim_cur
    }

    @Test func `the limit of open files is raised to what is allowed`() async {
        await #expect(processExitsWith: .success) {
            HostRoomTests.limit(HostRoomTests.files, to: 256, hard: 4000)
            #expect(HostRoom.raiseLimitOfFiles() == 4000)
            #expect(HostRoomTests.softLimitOfFiles == 4000)
            try HostRoom.check(threads: 8)
        }
    }

    @Test func `too few open files are one sentence`() async {
        await #expect(processExitsWith: .success) {
            HostRoomTests.limit(HostRoomTests.files, to: 32, hard: 32)
            let want = #expect(throws: HostRoom.Want.self) { try HostRoom.check(threads: 8) }
            guard case .files(let count)? = want else { return #expect(Bool(false)) }
            #expect(count < 32)
            #expect(want.map { "\($0)" }?.contains("ulimit -n") == true)
            // What was tried has been given back.
            let copy = dup(0)
            #expect(copy >= 0)
        }
    }

    @Test func `too few threads are one sentence`() async {
        await #expect(processExitsWith: .success) {
            // Root may have any number of them.
            if geteuid() == 0 { #expect(setuid(54_321) == 0) }
            HostRoomTests.limit(HostRoomTests.processes, to: 1, hard: 1)
            let want = #expect(throws: HostRoom.Want.self) { try HostRoom.check(threads: 64) }
            guard case .threads(let started, needed: 64, SystemError(EAGAIN))? = want else {
                return #expect(Bool(false), "\(String(describing: want))")
            }
            #expect(started < 64)
        }
    }
}
