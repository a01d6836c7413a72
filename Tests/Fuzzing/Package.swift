// swift-tools-version: 6.2
import PackageDescription

/// A package of its own, so that the one of the program never knows of the fuzzer; its sources are links.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .strictMemorySafety(),
]
let fuzzer: [SwiftSetting] = settings + [.unsafeFlags(["-parse-as-library"])]

let package = Package(
    name: "fuzzing",
    dependencies: [.package(url: "https://github.com/jpsim/Yams", from: "6.2.0")],
    targets: [
        .target(name: "TokenHealth", swiftSettings: settings),
        .target(name: "VigilPlatform", swiftSettings: settings),
        .target(
            name: "VigilConfiguration",
            dependencies: ["TokenHealth", "VigilPlatform", .product(name: "Yams", package: "Yams")],
            resources: [.embedInCode("Resources")],
            swiftSettings: settings
        ),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl"),
        .target(
            name: "VigilHTTPClient",
            dependencies: ["CCurl", "TokenHealth", "VigilPlatform"],
            swiftSettings: settings
        ),
        .executableTarget(name: "FuzzAnswer", dependencies: ["TokenHealth", "VigilHTTPClient"], swiftSettings: fuzzer),
        .executableTarget(
            name: "FuzzVerdict",
            dependencies: ["TokenHealth", "VigilConfiguration"],
            swiftSettings: fuzzer
        ),
        .executableTarget(
            name: "FuzzProvider",
            dependencies: ["TokenHealth", "VigilConfiguration"],
            swiftSettings: fuzzer
        ),
    ],
    swiftLanguageModes: [.v6]
)
