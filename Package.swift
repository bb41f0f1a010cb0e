// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// Swift 6 language mode comes with the tools version. In CI every warning is an error; elsewhere it is not, so that a
/// newer compiler's new warnings never keep a user from building.
let strict: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

/// Whether there is something to link in: Debian's packages have archives beside the libraries, others' may not.
let hasArchives: Bool = {
    #if arch(x86_64)
        let machine = "x86_64-linux-gnu"
    #else
        let machine = "aarch64-linux-gnu"
    #endif
    let compilers = "/usr/lib/gcc/\(machine)"
    let files = FileManager.default
    let newest = (try? files.contentsOfDirectory(atPath: compilers))?.compactMap { Int($0) }.max() ?? 0
    return ["/usr/lib/\(machine)/libinotifytools.a", "\(compilers)/\(newest)/libstdc++.a"].allSatisfy(files.fileExists)
}()

/// libinotifytools is C++, and libstdc++ would take half a millisecond to load, at every start of `jobspool`: both are linked in, by the linker
/// scripts in `static`, which are found before the libraries that are loaded. lld takes what it needs from them, wherever they stand.
let linkedIn = [
    "-use-ld=lld", "-L\(Context.packageDirectory)/Sources/CInotifyTools/static", "-lstdc++",
    "-Xlinker", "--exclude-libs", "-Xlinker", "ALL", "-Xclang-linker", "-static-libgcc",
]

/// Releases are linked for one address: Swift's metadata has tens of thousands of pointers, and a program that can be loaded anywhere writes
/// them all at every start: half a millisecond of each command, and nearly two megabytes of each daemon's memory. What it is linked to, its
/// heap and its stacks still have random addresses.
let release: [LinkerSetting] = [
    .unsafeFlags(
        ["-Xclang-linker", "-no-pie"] + (hasArchives ? linkedIn : []),
        .when(platforms: [.linux], configuration: .release))
]

/// The daemon and the command stay lean: what a handler needs (databases, HTTP) is a dependency of that handler alone.
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
/// SQLite; needs libsqlite3-dev.
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")

let package = Package(
    name: "jobspool",
    products: [
        .executable(name: "jobspool", targets: ["jobspool"]),
        .executable(name: "jobspool-documents", targets: ["jobspool-documents"]),
        .executable(name: "jobspool-records", targets: ["jobspool-records"]),
        .executable(name: "jobspool-library", targets: ["jobspool-library"]),
        .library(name: "JobSpool", targets: ["SpoolProtocol", "SpoolClient"]),
        .library(name: "JobHandler", targets: ["JobHandler"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.81.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
    ],
    targets: [
        // C
        .systemLibrary(name: "CInotifyTools", providers: [.apt(["libinotifytools0-dev"])]),
        .target(name: "CLinux"),

        // Libraries; arrows point down only.
        .target(name: "JSONText", swiftSettings: strict),
        .target(name: "SpoolProtocol", dependencies: ["JSONText"], swiftSettings: strict),
        .target(name: "SpoolStorage", dependencies: ["SpoolProtocol", "JSONText", "CLinux"], swiftSettings: strict),
        .target(
            name: "SpoolWatcher", dependencies: ["SpoolProtocol", "CInotifyTools", "CLinux"], swiftSettings: strict),
        .target(
            name: "JobRunner",
            dependencies: ["SpoolProtocol", "SpoolStorage", "JSONText", "CLinux", logging, deque, heap],
            swiftSettings: strict),
        .target(
            name: "SpoolClient", dependencies: ["SpoolProtocol", "SpoolStorage", "JSONText"], swiftSettings: strict),
        .target(name: "JobHandler", dependencies: ["JSONText"], swiftSettings: strict),

        // Executables
        .executableTarget(
            name: "jobspool",
            dependencies: [
                "JobRunner", "SpoolWatcher", "SpoolClient", "SpoolStorage", "SpoolProtocol", "JSONText", "CLinux",
                argumentParser, logging,
            ],
            swiftSettings: strict, linkerSettings: release),
        .executableTarget(
            name: "jobspool-documents", dependencies: ["JobHandler", "JSONText", argumentParser],
            swiftSettings: strict, linkerSettings: release),
        .executableTarget(
            name: "jobspool-records",
            dependencies: ["JobHandler", "JSONText", grdb, sqlite, httpClient, nioCore, nioPosix, nioHTTP, nioSSL],
            swiftSettings: strict, linkerSettings: release),
        .executableTarget(
            name: "jobspool-library", dependencies: ["JobHandler", "JSONText", grdb, sqlite], swiftSettings: strict,
            linkerSettings: release),

        // Tests: a folder per target, and the real daemon from outside
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(name: "JSONTextTests", dependencies: ["JSONText", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "SpoolProtocolTests", dependencies: ["SpoolProtocol", "JSONText", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "SpoolStorageTests", dependencies: ["SpoolStorage", "SpoolProtocol", "JSONText"],
            swiftSettings: strict),
        .testTarget(
            name: "SpoolWatcherTests", dependencies: ["SpoolWatcher", "SpoolProtocol", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "JobRunnerTests",
            dependencies: [
                "JobRunner", "SpoolWatcher", "SpoolStorage", "SpoolProtocol", "JSONText", "TestSupport", logging,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SpoolClientTests",
            dependencies: [
                "jobspool", "SpoolClient", "SpoolWatcher", "SpoolStorage", "SpoolProtocol", "JSONText", "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "JobHandlerTests", dependencies: ["JobHandler", "JSONText", "SpoolProtocol"], swiftSettings: strict),
        .testTarget(
            name: "DocumentsTests", dependencies: ["jobspool-documents", "JobHandler", "JSONText"],
            swiftSettings: strict),
        .testTarget(
            name: "RecordsTests",
            dependencies: [
                "jobspool-records", "JobHandler", "JSONText", "TestSupport", nioCore, nioPosix, nioHTTP, nioSSL,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "LibraryTests",
            dependencies: ["jobspool-library", "jobspool-documents", "JobHandler", "JSONText", grdb],
            swiftSettings: strict),
        .testTarget(
            name: "SamplesTests", dependencies: ["jobspool", "jobspool-documents", "JSONText"], swiftSettings: strict),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "jobspool-records", "jobspool-library", "JobHandler", "JobRunner", "SpoolStorage", "SpoolProtocol",
                "JSONText", "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "jobspool", "jobspool-documents", "SpoolProtocol", "SpoolStorage", "JSONText", "CLinux", "TestSupport",
            ],
            swiftSettings: strict),
    ]
)
