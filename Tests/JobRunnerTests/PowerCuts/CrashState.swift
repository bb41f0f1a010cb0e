/// What a disk may hold after a power cut, by what is known of file systems: as in "All File Systems Are Not Created Equal" (Pillai and
/// others, OSDI 2014), which replays the prefixes of what a program does under abstract models of what they keep.
import Glibc
import SpoolProtocol
import SpoolStorage
import TestSupport

/// What a file system keeps of what has not been synced.
enum DiskModel: String, Sendable, CaseIterable {
    /// All.
    case everything = "all kept"
    /// Names in order (ext4, XFS, Btrfs); of contents what has been synced. New files are empty.
    case emptyFiles = "names in order, unsynced data lost"
    /// The same, but the files have their sizes, and zeros in them.
    case zeros = "names in order, unsynced data zeros"
    /// The same, but half of what was written last is there.
    case partialData = "names in order, half of unsynced data"
    /// Nothing after the last call that waited for the disk.
    case sinceCommit = "nothing after the last sync"
    /// The same, but contents are there.
    case namesSinceCommit = "names of the last sync, all data"
    /// What POSIX promises: contents of files and entries of directories that have themselves been synced.
    case onlySynced = "only what is itself synced"
    /// Of each name that has changed since its directory was synced any of its states, whatever the others are.
    case reordered = "names in any order, data in any state"

    /// Whether journaling file systems may do this.
    var keepsOrder: Bool { ![.onlySynced, .reordered].contains(self) }
}

extension DiskModel {
    /// The tree after a power cut right after a step.
    func tree(_ steps: [DiskStep], at number: Int, _ random: inout SeededGenerator) -> DiskTree {
        let step = steps[number]
        switch self {
        case .everything: return step.seen
        case .emptyFiles, .zeros, .partialData: return Self.names(step.seen) { content($0, $1, step, &random) }
        case .sinceCommit:
            let then = steps[step.committed]
            return Self.names(then.seen) { id, _ in (step.synced.inodes[id] ?? then.synced.inodes[id])?.content ?? [] }
        case .namesSinceCommit:
            return Self.names(steps[step.committed].seen) { id, inode in step.seen.inodes[id]?.content ?? inode.content
            }
        case .onlySynced: return onlySynced(steps, number)
        case .reordered: return reordered(steps, number, &random)
        }
    }

    /// The tree of these names, with other contents.
    private static func names(_ tree: DiskTree, _ content: (Int, DiskTree.Inode) -> [UInt8]) -> DiskTree {
        var result = DiskTree()
        for (id, inode) in tree.inodes {
            result.inodes[id] = inode
            if inode.kind == .file { result.inodes[id]?.content = content(id, inode) }
        }
        return result
    }

    private func content(
        _ id: Int, _ inode: DiskTree.Inode, _ step: DiskStep, _ random: inout SeededGenerator
    ) -> [UInt8] {
        let synced = step.synced.inodes[id]?.content ?? []
        if synced == inode.content { return synced }
        let isAppended = inode.content.starts(with: synced)
        let kept = isAppended ? synced.count : 0
        return switch self {
        case .emptyFiles: synced
        case .zeros: Array(inode.content[..<kept]) + [UInt8](repeating: 0, count: inode.content.count - kept)
        case .partialData: Array(inode.content[..<(kept + (inode.content.count - kept) / 2)])
        case .reordered:
            switch Int.random(in: 0..<4, using: &random) {
            case 0: synced
            case 1: inode.content
            case 2: Array(inode.content[..<(kept + (inode.content.count - kept) / 2)])
            default: Array(inode.content[..<kept]) + [UInt8](repeating: 0, count: inode.content.count - kept)
            }
        case .everything, .sinceCommit, .namesSinceCommit, .onlySynced: inode.content
        }
    }

    /// A file or directory that has a synced name, but has not been synced itself, is empty.
    private func onlySynced(_ steps: [DiskStep], _ number: Int) -> DiskTree {
        var tree = steps[number].synced
        for inode in steps[number].synced.inodes.values {
            for id in inode.entries.values where tree.inodes[id] == nil {
                guard var child = Self.last(id, steps, number) else { continue }
                child.content = []
                child.entries = [:]
                tree.inodes[id] = child
            }
        }
        return tree
    }

    private func reordered(_ steps: [DiskStep], _ number: Int, _ random: inout SeededGenerator) -> DiskTree {
        let step = steps[number]
        var result = DiskTree()
        var open = [DiskTree.root]
        while let id = open.popLast() {
            guard result.inodes[id] == nil, var inode = Self.last(id, steps, number) else { continue }
            if inode.kind == .file { inode.content = content(id, inode, step, &random) }
            if inode.kind == .directory, let since = step.unsyncedSince[id] {
                var entries: [FileName: Int] = [:]
                let states = (since...number).map { steps[$0].seen.inodes[id]?.entries ?? [:] }
                for name in Set(states.flatMap(\.keys)).sorted() {
                    let values = states.map { $0[name] }
                    entries[name] = values[Int.random(in: 0..<values.count, using: &random)]
                }
                inode.entries = entries
            }
            result.inodes[id] = inode
            open += inode.entries.values.sorted()
        }
        return result
    }

    /// A file as it was last, which may be gone by now.
    private static func last(_ id: Int, _ steps: [DiskStep], _ number: Int) -> DiskTree.Inode? {
        for step in steps[...number].reversed() {
            if let inode = step.seen.inodes[id] { return inode }
        }
        return nil
    }
}

extension DiskTree {
    /// What can be found from the root, with the names in order.
    var reachable: DiskTree {
        var result = DiskTree()
        var open = [Self.root]
        while let id = open.popLast() {
            guard result.inodes[id] == nil, var inode = inodes[id] else { continue }
            inode.entries = inode.entries.filter { inodes[$0.value] != nil }
            result.inodes[id] = inode
            open += inode.entries.values
        }
        return result
    }

    /// Makes the tree on a real disk.
    func make(in directory: Directory, _ id: Int = root) throws {
        for (name, child) in inodes[id]?.entries ?? [:] {
            guard let inode = inodes[child] else { continue }
            switch inode.kind {
            case .directory:
                try make(in: try directory.makeDirectory("\(name)", mode: inode.mode), child)
            case .file:
                try directory.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: inode.mode).write(inode.content)
                let time = timespec(tv_sec: Int(inode.seconds), tv_nsec: Int(inode.nanoseconds))
                if utimensat(directory.raw, "\(name)", [time, time], 0) != 0 {
                    throw SpoolError(.touch, directory.path(name), code: errno)
                }
            case .fifo: try directory.makeFIFO(name)
            case .link, .socket, .device: throw Violation("\(name) is \(inode.kind.rawValue)")
            }
        }
    }

    /// The content of a file in the root.
    func content(_ file: SpoolFile) -> [UInt8]? {
        file.fileName.flatMap { inodes[Self.root]?.entries[$0] }.flatMap { inodes[$0]?.content }
    }
}
