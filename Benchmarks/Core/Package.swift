// swift-tools-version: 6.2
import PackageDescription

/// A package of its own, for the core without anything else; its source is a link.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .strictMemorySafety(),
]

let package = Package(
    name: "core",
    targets: [
        .target(name: "TokenHealth", swiftSettings: settings),
        .executableTarget(name: "CoreCost", dependencies: ["TokenHealth"], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
