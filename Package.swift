// swift-tools-version: 6.2
import PackageDescription

/// The rules of the house, on every target: complete concurrency checking, no warning left standing.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .treatWarning("StrictLanguageFeatures", as: .error),
]

let collections = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let orderedCollections = Target.Dependency.product(name: "OrderedCollections", package: "swift-collections")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "tokenvigil",
    products: [.executable(name: "tokenvigil", targets: ["tokenvigil"])],
    dependencies: [
        // Sockets for the stand-in API, the status page and the control socket.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        // Start and stop in order, on signals.
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        // Commands, options, help and shell completions.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        // Structured logs.
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        // SQLite with migrations and transactions.
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        // YAML with line and column of every node.
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        // Child processes without a shell: sendmail and commands.
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
        // The file paths that swift-subprocess takes; it depends on this itself.
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        // The priority queue under the schedule, and a dictionary whose values lie side by side.
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        // Message templates of the administrator's own.
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
        // HMAC for fingerprints and webhook signatures.
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    ],
    targets: [
        .target(name: "TokenHealth", swiftSettings: settings),
        .target(name: "VigilPlatform", swiftSettings: settings),
        .target(
            name: "VigilEngine",
            dependencies: ["TokenHealth", collections, orderedCollections, logging, lifecycle],
            swiftSettings: settings
        ),
        .target(
            name: "VigilConfiguration",
            dependencies: ["TokenHealth", "VigilPlatform", yams],
            resources: [.embedInCode("Resources")],
            swiftSettings: settings
        ),
        .target(
            name: "VigilProbing",
            dependencies: [
                "CZlib", "TokenHealth", "VigilEngine", "VigilHTTPClient", "VigilPlatform", subprocess, systemPackage,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "VigilStorage",
            dependencies: ["TokenHealth", "VigilEngine", "VigilPlatform", grdb, crypto],
            swiftSettings: settings
        ),
        .target(
            name: "VigilNotifying",
            dependencies: [
                "TokenHealth", "VigilEngine", "VigilHTTPClient", "VigilPlatform", "VigilSystemd", nio, nioPosix, crypto,
                subprocess, systemPackage, mustache,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "VigilHTTP",
            dependencies: ["TokenHealth", "VigilEngine", nio, nioPosix, nioHTTP1],
            swiftSettings: settings
        ),
        .target(
            name: "VigilControl",
            dependencies: ["TokenHealth", "VigilEngine", "VigilHTTP", "VigilHTTPClient", nio, lifecycle, logging],
            swiftSettings: settings
        ),
        .target(
            name: "VigilServing",
            dependencies: ["TokenHealth", "VigilEngine", "VigilHTTP", crypto, lifecycle, logging],
            resources: [.embedInCode("Resources")],
            swiftSettings: settings
        ),
        .systemLibrary(
            name: "CCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev", "libssl-dev"])]
        ),
        .target(
            name: "VigilHTTPClient",
            dependencies: ["CCurl", "TokenHealth", "VigilPlatform"],
            swiftSettings: settings
        ),
        // Compressed answers; libcurl needs it, so it is there.
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CSystemd",
            pkgConfig: "libsystemd",
            providers: [.apt(["libsystemd-dev"])]
        ),
        .target(name: "VigilSystemd", dependencies: ["CSystemd", logging], swiftSettings: settings),
        .target(
            name: "TallyfySimulator",
            dependencies: [nio, nioPosix, nioHTTP1],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "tokenvigil",
            dependencies: [
                "TokenHealth", "VigilEngine", "VigilConfiguration", "VigilProbing", "VigilStorage",
                "VigilNotifying", "VigilControl", "VigilHTTP", "VigilHTTPClient", "VigilPlatform", "VigilServing",
                "VigilSystemd", "TallyfySimulator", argumentParser, crypto, lifecycle, logging, subprocess,
                systemPackage, unixSignals,
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "TokenHealthTests", dependencies: ["TokenHealth"], swiftSettings: settings),
        .testTarget(
            name: "FuzzTests",
            dependencies: ["TokenHealth", "VigilConfiguration", "VigilHTTPClient"],
            exclude: ["Corpus"],
            swiftSettings: settings
        ),
        .testTarget(name: "VigilEngineTests", dependencies: ["VigilEngine", "TokenHealth"], swiftSettings: settings),
        .testTarget(
            name: "VigilConfigurationTests",
            dependencies: ["VigilConfiguration", "TokenHealth"],
            exclude: ["Fixtures"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "VigilProbingTests",
            dependencies: [
                "VigilProbing", "VigilEngine", "VigilHTTPClient", "TokenHealth", "TallyfySimulator", crypto, nio,
                nioPosix, subprocess, systemPackage,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "VigilHTTPClientTests",
            dependencies: ["VigilHTTPClient", "TokenHealth", nio, nioPosix],
            swiftSettings: settings
        ),
        .testTarget(
            name: "VigilStorageTests",
            dependencies: ["VigilStorage", "VigilEngine", "VigilPlatform", "TokenHealth"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "VigilNotifyingTests",
            dependencies: [
                "VigilNotifying", "VigilEngine", "VigilHTTPClient", "VigilSystemd", "TokenHealth", nio, nioPosix,
            ],
            exclude: ["Golden"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "VigilControlTests",
            dependencies: ["VigilControl", "VigilEngine", "TokenHealth", lifecycle, logging],
            swiftSettings: settings
        ),
        .testTarget(
            name: "VigilServingTests",
            dependencies: ["VigilServing", "VigilHTTP", "VigilEngine", "TokenHealth", lifecycle, logging],
            swiftSettings: settings
        ),
        .testTarget(name: "VigilPlatformTests", dependencies: ["VigilPlatform"], swiftSettings: settings),
        .testTarget(name: "VigilSystemdTests", dependencies: ["VigilSystemd", logging], swiftSettings: settings),
        .testTarget(
            name: "TallyfySimulatorTests",
            dependencies: ["TallyfySimulator", "VigilHTTPClient", "TokenHealth", nio, nioPosix, nioHTTP1],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ScenarioTests",
            dependencies: [
                "TokenHealth", "VigilEngine", "VigilConfiguration", "VigilProbing", "VigilStorage",
                "VigilHTTPClient", "VigilNotifying", "TallyfySimulator", grdb, lifecycle, logging, nio, nioHTTP1,
                nioPosix,
            ],
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
