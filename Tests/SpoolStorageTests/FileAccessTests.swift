import SpoolStorage
import Testing

@Suite("What a user may do with a file")
struct FileAccessTests {
    struct Row: Sendable {
        let mode: UInt32
        let user: UInt32
        let groups: Set<UInt32>
        let rights: String
        var isDirectory = false
    }

    /// The file belongs to user 10 and group 20.
    @Test(
        "is what the first class says that fits, and for root nearly everything",
        arguments: [
            Row(mode: 0o640, user: 10, groups: [20], rights: "rw"),
            Row(mode: 0o640, user: 11, groups: [20], rights: "r"),
            Row(mode: 0o640, user: 11, groups: [21], rights: ""), Row(mode: 0o046, user: 10, groups: [20], rights: ""),
            Row(mode: 0o046, user: 11, groups: [20, 30], rights: "r"),
            Row(mode: 0o046, user: 11, groups: [], rights: "rw"),
            Row(mode: 0o711, user: 12, groups: [], rights: "x"), Row(mode: 0o600, user: 0, groups: [], rights: "rw"),
            Row(mode: 0o610, user: 0, groups: [], rights: "rwx"),
            Row(mode: 0o000, user: 0, groups: [], rights: "rwx", isDirectory: true),
        ])
    func rights(row: Row) {
        let access = FileAccess(owner: 10, group: 20, mode: row.mode, isDirectory: row.isDirectory)
        let account = Account(user: row.user, groups: row.groups)
        let rights = [(FileAccess.Right.read, "r"), (.write, "w"), (.execute, "x")]
            .filter { access.allows($0.0, to: account) }.map(\.1).joined()
        #expect(rights == row.rights)
    }

    @Test(
        "to other users' files in a directory is theirs to remove where it is not sticky, its own, or root's to do",
        arguments: [
            (0o1777, 10, true), (0o1777, 11, false), (0o1777, 0, true), (0o777, 11, true), (0o755, 11, false),
            (0o3770, 11, false), (0o770, 11, false),
        ] as [(UInt32, UInt32, Bool)])
    func removing(mode: UInt32, user: UInt32, may: Bool) {
        let access = FileAccess(owner: 10, group: 20, mode: mode, isDirectory: true)
        #expect(access.letsRemoveOthersFiles(Account(user: user, groups: [])) == may)
    }

    @Test(
        "is told of files that others than root and the trusted may write to",
        arguments: [
            (0, 0o755, false), (0, 0o775, true), (0, 0o757, true), (10, 0o755, false), (11, 0o755, true),
            (11, 0o555, false),
        ] as [(UInt32, UInt32, Bool)])
    func exposed(owner: UInt32, mode: UInt32, isExposed: Bool) {
        let access = FileAccess(owner: owner, group: 20, mode: mode, isDirectory: false)
        #expect(access.isWritable(byOthersThan: [10]) == isExposed)
    }

    @Test(
        "is shown as octal digits", arguments: [(0o1777, "1777"), (0o700, "0700"), (0, "0000")] as [(UInt32, String)])
    func octal(mode: UInt32, text: String) {
        #expect(FileAccess(owner: 0, group: 0, mode: mode, isDirectory: true).octalMode == text)
    }
}

@Suite("A trial of a file system")
struct FileSystemTrialTests {
    @Test("finds nothing wrong with a good one, and leaves nothing behind") func good() throws {
        let spool = try TemporarySpool()
        let root = try Directory.open(spool.path)
        #expect(try FileSystemTrial(in: root).failures.isEmpty)
        #expect(try root.entries().isEmpty)
    }

    @Test(
        "says what does not work, and leaves nothing behind",
        arguments: [
            (SystemOperation.lock, "locks"), (.rename, "renaming"), (.makeFIFO, "FIFOs"),
            (.sync, "waiting for the disk"),
        ])
    func bad(operation: SystemOperation, what: String) throws {
        let spool = try TemporarySpool()
        let root = try Directory.open(spool.path, system: SystemCalls { tried, _ in tried == operation ? 95 : nil })
        let failures = try FileSystemTrial(in: root).failures
        #expect(failures.count == 1)
        #expect(failures.first?.what.contains(what) == true)
        #expect(try root.entries().isEmpty)
    }

    @Test("measures the room that is left") func space() throws {
        let space = try Directory.open("/tmp").space()
        #expect(space.total >= space.free)
        #expect(space.total > 0)
    }
}
