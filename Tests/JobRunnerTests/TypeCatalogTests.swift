/// The types directory as the daemon reads it again and again.
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

@Suite("The types directory")
struct TypeCatalogTests {
    /// With a definition in a directory of its own.
    private func withTypes(
        _ system: SystemCalls = .real, _ body: (String, inout TypeCatalog) throws -> Void
    ) throws {
        let files = try SpoolFiles()
        chmod(files.path, 0o755)
        try Directory.open(files.path).open(FileName("t.json"), O_WRONLY | O_CREAT)
            .write(Array(#"{"command": ["/bin/true"]}"#.utf8))
        var catalog = TypeCatalog(builtIn: [:], directory: try Directory.open(files.path, system: system))
        try body(files.path, &catalog)
    }

    private static func type(_ name: String = "t") throws -> JobType { try #require(JobType(name)) }

    @Test("that others may write is refused until it is mended, and no longer")
    func mended() throws {
        try withTypes { path, catalog in
            let type = try Self.type()
            for _ in 1...2 {
                chmod(path, 0o777)
                #expect(throws: JobError.self) { try catalog.definition(of: type) }
                chmod(path, 0o755)
                #expect(try catalog.definition(of: type).command == ["/bin/true"])
            }
        }
    }

    @Test("that the disk does not give now says nothing about a type", arguments: [SystemOperation.stat, .open, .read])
    func trouble(operation: SystemOperation) throws {
        let isOn = Mutex(false)
        let system = SystemCalls(fault: { called, _ in called == operation && isOn.withLock(\.self) ? EIO : nil })
        try withTypes(system) { _, catalog in
            let type = try Self.type()
            isOn.withLock { $0 = true }
            #expect(throws: SpoolError.self) { try catalog.lookUp(type) }
            #expect(throws: JobError.self) { try catalog.definition(of: type) }
            isOn.withLock { $0 = false }
            #expect(try catalog.lookUp(type).get().command == ["/bin/true"])
        }
    }

    @Test(
        "that another one takes the place of is read as that, and as long as there is none nothing is said about its types"
    )
    func replaced() throws {
        try withTypes { path, catalog in
            let type = try Self.type()
            #expect(try catalog.lookUp(type).get().command == ["/bin/true"])
            #expect(rename(path, "\(path).old") == 0)
            defer { rename("\(path).old", path) }
            #expect(throws: SpoolError(.stat, path, code: ENOENT)) { try catalog.lookUp(type) }
            #expect(throws: SpoolError(.stat, path, code: ENOENT)) { try catalog.names() }
            #expect(mkdir(path, 0o755) == 0)
            defer { Glibc.rmdir(path) }
            #expect(throws: JobError.self) { try catalog.lookUp(type).get() }
            let file = "\(path)/t.json"
            try Directory.open(path).open(FileName("t.json"), O_WRONLY | O_CREAT)
                .write(Array(#"{"command": ["/bin/echo"]}"#.utf8))
            defer { unlink(file) }
            #expect(try catalog.lookUp(type).get().command == ["/bin/echo"])
            #expect(try catalog.names() == [type])
        }
    }

    @Test("that has no such file says so") func unknown() throws {
        try withTypes { _, catalog in
            let other = try Self.type("other")
            #expect(throws: JobError.self) { try catalog.lookUp(other).get() }
        }
    }
}
