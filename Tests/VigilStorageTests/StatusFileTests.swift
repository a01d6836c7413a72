import FoundationEssentials
import Glibc
import Synchronization
import TokenHealth
import Testing
import VigilPlatform
import VigilEngine

@testable import VigilStorage

/// Says once, across tasks, that something is over.
private final class Flag: Sendable {
    private let state = Mutex(false)

    var isRaised: Bool { state.withLock { $0 } }
    func raise() { state.withLock { $0 = true } }
}

struct AtomicFileTests {
    private let directory: TemporaryDirectory
    private var path: String { "\(directory.path)/status.json" }

    init() throws { directory = try TemporaryDirectory() }

    @Test(arguments: [0o644, 0o600, 0o640, 0o666] as [UInt32])
    func `it has the mode asked for, whatever the umask`(wanted: UInt32) throws {
        try AtomicFile(path: path, mode: wanted).write([1])
        #expect(mode(of: path) == wanted)
        try AtomicFile(path: path, mode: 0o644).write([2])
        #expect(mode(of: path) == 0o644)
    }

    @Test(arguments: [0, 1, 65_536, 3_000_000])
    func `every byte is there and nothing else is left`(count: Int) throws {
        let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try AtomicFile(path: path, mode: 0o644).write(content)
        #expect(bytes(of: path) == content)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["status.json"])
    }

    @Test func `what killed daemons have left beside the status file is removed, and nothing else`() throws {
        let others = ["status.json", "status.json.tmp", "status.json.old.tmp", "status.json.4711", "other.4711.tmp"]
        for name in others + ["status.json.4711.tmp", "status.json.12.tmp", "status.json.00c0ffee00c0ffee.tmp"] {
            try write([1], to: "\(directory.path)/\(name)")
        }
        StatusFile(path: path).removeLeftovers()
        let left = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(left.sorted() == others.sorted())
    }

    @Test func `a reload that checks the directory leaves the file alone that is being written`() throws {
        try write([1], to: "\(path).4711.tmp")
        try StatusFile(path: path).checkDirectory()
        #expect(FileManager.default.contents(atPath: "\(path).4711.tmp") == Data([1]))
    }

    @Test func `a directory that is not there is an error with a remedy`() throws {
        let missing = "\(directory.path)/missing/status.json"
        let error = #expect(throws: StorageError.self) { try AtomicFile(path: missing, mode: 0o644).write([1]) }
        #expect(error == .unwritableFile(path: missing, cause: StorageCause(SystemError(ENOENT))))
        #expect(error?.description.contains("create its directory") == true)
    }

    @Test(.enabled(if: geteuid() == 0, "another user is needed"))
    func `where the temporary file cannot be made the old one stays`() async {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/status.json"
            try AtomicFile(path: path, mode: 0o644).write([1])
            #expect(unsafe chmod(directory.path, 0o755) == 0 && seteuid(54_321) == 0)
            #expect(throws: StorageError.unwritableFile(path: path, cause: StorageCause(SystemError(EACCES)))) {
                try AtomicFile(path: path, mode: 0o644).write([2])
            }
            #expect(seteuid(0) == 0)
            #expect(bytes(of: path) == [1])
        }
    }

    @Test func `where it cannot be renamed no temporary file is left`() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(throws: StorageError.self) { try AtomicFile(path: path, mode: 0o644).write([1]) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["status.json"])
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["pipe", "directory", "link"])
    func `whatever others have put under a name that could be foreseen, the file is written and they get nothing`(
        trap: String
    ) throws {
        let victim = "\(directory.path)/victim"
        try write([7], to: victim)
        for name in ["\(path).\(getpid()).tmp", "\(path).tmp", "\(path).new"] {
            switch trap {
            case "pipe": #expect(unsafe mkfifo(name, 0o666) == 0)
            case "directory": #expect(unsafe mkdir(name, 0o777) == 0)
            default: #expect(unsafe symlink(victim, name) == 0)
            }
        }
        try AtomicFile(path: path, mode: 0o644).write([1])
        #expect(bytes(of: path) == [1])
        #expect(bytes(of: victim) == [7])
    }

    @Test(.timeLimit(.minutes(1)))
    func `a named pipe in the place of the file itself is replaced, and holds nobody up`() throws {
        #expect(unsafe mkfifo(path, 0o666) == 0)
        try AtomicFile(path: path, mode: 0o644).write([1])
        #expect(bytes(of: path) == [1])
    }

    /// What was done to which file, in order.
    private final class Journal: Sendable {
        private let state = Mutex<[String]>([])
        var entries: [String] { state.withLock { $0 } }

        func note(_ entry: String) { state.withLock { $0.append(entry) } }

        /// The kernel's calls, each of them noted.
        func calls(refusing refused: String? = nil, because code: CInt = EIO) -> FileCalls {
            @Sendable func perform(_ entry: String, _ call: () -> CInt) -> CInt {
                note(entry)
                guard entry != refused else {
                    errno = code
                    return -1
                }
                return call()
            }
            var calls = FileCalls.kernel
            calls.write = { descriptor, bytes in perform("write") { FileCalls.kernel.write(descriptor, bytes) } }
            calls.synchronize = { descriptor in
                var status = stat()
                let isFound = unsafe fstat(descriptor, &status) == 0
                let isFile = isFound && status.st_mode & S_IFMT == S_IFREG
                return perform(isFile ? "synchronize file" : "synchronize directory") { fsync(descriptor) }
            }
            calls.rename = { from, to in perform("rename") { FileCalls.kernel.rename(from, to) } }
            return calls
        }
    }

    @Test func `the file is on disk before it has its name, and its name after that`() throws {
        let journal = Journal()
        try AtomicFile(path: path, mode: 0o644, calls: journal.calls()).write([1, 2])
        #expect(journal.entries == ["write", "synchronize file", "rename", "synchronize directory"])
    }

    @Test(arguments: ["write", "synchronize file", "rename"])
    func `a step that fails leaves the old file, and nothing beside it`(step: String) throws {
        try AtomicFile(path: path, mode: 0o644).write([1])
        let file = AtomicFile(path: path, mode: 0o644, calls: Journal().calls(refusing: step))
        #expect(throws: StorageError.unwritableFile(path: path, cause: StorageCause(SystemError(EIO)))) {
            try file.write([2])
        }
        #expect(bytes(of: path) == [1])
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["status.json"])
    }

    @Test(arguments: [
        (ENOSPC, "make room on its disk (df), or remove files where it has no inodes left (df -i)"),
        (EDQUOT, "quota"), (EMFILE, "LimitNOFILE="), (ENFILE, "fs.file-max"), (ENOMEM, "memory"),
        (EIO, "repair the disk"),
        (EROFS, "ReadWritePaths="), (EACCES, "let the service's user write"), (EISDIR, "move away what has its name"),
    ])
    func `what to do fits what the system has refused`(code: CInt, advice: String) throws {
        for step in ["write", "rename"] {
            let calls = Journal().calls(refusing: step, because: code)
            let file = AtomicFile(path: path, mode: 0o644, calls: calls)
            let error = #expect(throws: StorageError.self) { try file.write([2]) }
            let text = try #require(error?.description)
            #expect(text.contains(advice), "\(text)")
            #expect(!text.contains("create its directory"), "\(text)")
        }
    }

    @Test func `on a disk that is full the old file stays whole`() async {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            let path = "\(directory.path)/status.json"
            try AtomicFile(path: path, mode: 0o644).write([1, 2, 3])
            _ = signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 1000, rlim_max: 1000)
            #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            #expect(throws: StorageError.self) {
                try AtomicFile(path: path, mode: 0o644).write(Array(repeating: 9, count: 5000))
            }
            #expect(bytes(of: path) == [1, 2, 3])
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["status.json"])
        }
    }

    @Test func `a reader never sees a part of a document`() async throws {
        let path = path
        let file = AtomicFile(path: path, mode: 0o644)
        // Each document is one byte, repeated as often as the byte says.
        func document(_ number: Int) -> [UInt8] {
            Array(repeating: UInt8(number % 250 + 1), count: (number % 250 + 1) * 100)
        }
        try file.write(document(0))
        let isWritten = Flag()
        let (reads, parts) = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            group.addTask {
                var (reads, parts) = (0, 0)
                repeat {
                    let content = bytes(of: path)
                    let isWhole = content.first.map { first in
                        content.count == Int(first) * 100 && content.allSatisfy { $0 == first }
                    }
                    reads += 1
                    if isWhole != true { parts += 1 }
                } while !isWritten.isRaised
                return (reads, parts)
            }
            for number in 1...500 { try file.write(document(number)) }
            isWritten.raise()
            return try await group.next() ?? (0, 1)
        }
        #expect(reads > 0)
        #expect(parts == 0)
    }
}

struct StatusFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private let document = StatusDocument(
        generatedAt: Sample.start,
        validUntil: Sample.second(120),
        monitor: MonitorReport(version: "0.1.0", pid: 1, host: "srv1", startedAt: Sample.start),
        tokens: [
            Sample.name(): TokenReport(
                token: Sample.token,
                belief: Sample.death().decision.belief,
                uptime: Uptime(),
                nextProbeAt: nil
            )
        ],
        notifiers: ["oncall": NotifierReport()]
    )

    @Test func `everybody may read it, and it is the document with a line break`() async throws {
        let path = "\(directory.path)/status.json"
        try await StatusFile(path: path).publish(StatusEdition(document))
        #expect(mode(of: path) == 0o644)
        let content = bytes(of: path)
        #expect(content.last == UInt8(ascii: "\n"))
        #expect(try Wire.decoder().decode(StatusDocument.self, from: Data(content)) == document)
    }

    @Test func `a directory that is gone is an error, and the next document finds it again`() async throws {
        let run = "\(directory.path)/run"
        let file = StatusFile(path: "\(run)/status.json")
        await #expect(throws: StorageError.self) { try await file.publish(StatusEdition(document)) }
        try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: false)
        try await file.publish(StatusEdition(document))
        #expect(mode(of: file.path) == 0o644)
    }
}
