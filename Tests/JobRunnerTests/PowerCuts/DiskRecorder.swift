/// Records what reaches a spool's directory, call by call: who writes goes through `system`, one call at a time, and after each that
/// may change something the whole tree is looked at. What a call is for need not be known for that.
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization

/// A tree of files, by numbers that stay a file's own whatever it is called.
struct DiskTree: Sendable, Hashable {
    struct Inode: Sendable, Hashable {
        var kind: FileStat.Kind
        var mode: UInt32
        var content: [UInt8] = []
        var seconds: Int64 = 0
        var nanoseconds: Int64 = 0
        var entries: [FileName: Int] = [:]
    }

    static let root = 0
    var inodes: [Int: Inode] = [:]
}

/// How things stood after a call.
struct DiskStep: Sendable {
    var call: String
    /// On the clock of those who write.
    var at: Timestamp
    /// What everybody sees.
    var seen: DiskTree
    /// What has been synced: contents of files, and the entries of directories.
    var synced: DiskTree
    /// The last step that waited for the disk: a file system that keeps its metadata in order has all earlier ones on the disk.
    var committed: Int
    /// For each directory the step since which its entries have not been synced.
    var unsyncedSince: [Int: Int]
}

final class DiskRecorder: Sendable {
    private struct State {
        var root: Directory?
        var steps: [DiskStep] = []
        var numbers: [UInt64: Int] = [:]
        var known: [Int: FileStat] = [:]
        var next = 1
        var failure: String?
        var clock: any Clocks = VirtualClocks()
    }

    private let state = Mutex(State())

    var steps: [DiskStep] { state.withLock { $0.steps } }
    var failure: String? { state.withLock { $0.failure } }

    /// Begins with the directory as it is, all of it on the disk.
    func begin(_ path: String, _ clock: any Clocks) throws {
        try state.withLock { state in
            state.clock = clock
            let root = try Directory.open(path)
            state.root = root
            state.numbers[try root.stat().inode] = DiskTree.root
            var tree = DiskTree()
            try Self.look(root, DiskTree.root, &state, DiskTree(), &tree)
            state.steps = [
                DiskStep(call: "", at: clock.now(), seen: tree, synced: tree, committed: 0, unsyncedSince: [:])
            ]
        }
    }

    var system: SystemCalls {
        SystemCalls { [self] call, make in
            switch call.operation {
            case .read, .stat, .list, .lock, .spawn: return make(.max)
            case .open, .write, .rename, .link, .unlink, .truncate, .touch, .allocate, .syncData, .sync,
                .syncFileSystem, .makeDirectory, .removeDirectory, .makeFIFO, .changeMode:
                break
            }
            return state.withLock { state in
                let result = make(.max)
                let code = errno
                if result != -1 { Self.record(call, &state) }
                errno = code
                return result
            }
        }
    }

    // MARK: Recording

    private static func record(_ call: SystemCall, _ state: inout State) {
        guard let root = state.root, let last = state.steps.last else { return }
        do {
            var seen = DiskTree()
            try look(root, DiskTree.root, &state, last.seen, &seen)
            state.numbers = state.numbers.filter { seen.inodes[$0.value] != nil }
            var step = DiskStep(
                call: "\(call.operation.rawValue) \(call.path)", at: state.clock.now(), seen: seen,
                synced: last.synced, committed: last.committed, unsyncedSince: last.unsyncedSince)
            let number = state.steps.count
            sync(call, &step, number, state.numbers)
            for (id, inode) in seen.inodes where inode.kind == .directory {
                let isSynced = step.synced.inodes[id]?.entries == inode.entries
                step.unsyncedSince[id] = isSynced ? nil : step.unsyncedSince[id] ?? number - 1
            }
            if seen == last.seen, step.synced == last.synced, step.committed == last.committed { return }
            state.steps.append(step)
        } catch {
            // Somebody else's call is just changing it: only those through here are allowed.
            state.failure = "\(call.operation.rawValue) \(call.path): \(error)"
        }
    }

    private static func sync(_ call: SystemCall, _ step: inout DiskStep, _ number: Int, _ numbers: [UInt64: Int]) {
        let isFileSystem = call.operation == .syncFileSystem
        guard isFileSystem || [.sync, .syncData].contains(call.operation), let descriptor = call.descriptor else {
            return
        }
        var stat = stat()
        guard fstat(descriptor, &stat) == 0 else { return }
        step.committed = number
        if isFileSystem {
            step.synced = step.seen
            return
        }
        guard let id = numbers[UInt64(stat.st_ino)], let now = step.seen.inodes[id] else { return }
        // The times go with the size (fdatasync(2)); by themselves they do not.
        if call.operation == .syncData, let old = step.synced.inodes[id], old.content == now.content { return }
        step.synced.inodes[id] = now
    }

    private static func look(
        _ directory: Directory, _ id: Int, _ state: inout State, _ before: DiskTree, _ tree: inout DiskTree
    ) throws {
        var inode = DiskTree.Inode(kind: .directory, mode: try directory.stat().mode)
        for name in try directory.entries() {
            guard let stat = try directory.stat(name) else { continue }
            let child: Int
            if let known = state.numbers[stat.inode], before.inodes[known]?.kind == stat.kind {
                child = known
            } else {
                child = state.next
                state.next += 1
                state.numbers[stat.inode] = child
            }
            inode.entries[name] = child
            switch stat.kind {
            case .directory: try look(try directory.directory(name), child, &state, before, &tree)
            case .file:
                if let old = before.inodes[child], state.known[child] == stat {
                    tree.inodes[child] = old
                } else {
                    tree.inodes[child] = DiskTree.Inode(
                        kind: .file, mode: stat.mode, content: try directory.read(name) ?? [],
                        seconds: stat.fingerprint.seconds, nanoseconds: stat.fingerprint.nanoseconds)
                    state.known[child] = stat
                }
            case .fifo, .link, .socket, .device:
                tree.inodes[child] = DiskTree.Inode(kind: stat.kind, mode: stat.mode)
            }
        }
        tree.inodes[id] = inode
    }
}
