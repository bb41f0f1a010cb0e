/// A directory as the target of uploads. Each file is written beside the others, synced and renamed; below the directory no
/// symbolic link is followed. One upload at a time has the directory, by a lock that the kernel frees on death.
import Glibc
import JSONText
import JobHandler

struct DirectoryTarget: UploadTarget {
    private let root: Descriptor
    private let path: String
    /// Ours alone because of the lock; what a killed run left is written over.
    private static let temporary = ".jobspool-library.tmp"

    /// - Throws: `JobFailure` for a directory that cannot be used.
    init(_ path: String, isDryRun: Bool) throws {
        self.path = path
        root = try Self.open(path)
        if !isDryRun { try Self.lock(root, path) }
    }

    private static func open(_ path: String) throws -> Descriptor {
        do {
            return try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            throw JobFailure(
                "TARGET_UNUSABLE", "the target \(path) is no directory that can be used: \(error)",
                details: ["target": .string(path)])
        }
    }

    private static func lock(_ root: Descriptor, _ path: String) throws {
        do {
            try systemCall("flock", path) { flock(root.raw, LOCK_EX | LOCK_NB) }
        } catch {
            guard error.errno == EWOULDBLOCK else { throw error }
            throw JobFailure("TARGET_BUSY", "another upload to \(path) is running", exit: .temporary)
        }
    }

    func hash(of name: String) async throws -> String? {
        do {
            let file = try root.open(below: try checked(name), O_RDONLY | O_NONBLOCK)
            return SHA256.hexadecimal(try file.readAll(limit: FileFetcher.maximumSize, name))
        } catch let error as SystemCallError {
            if error.errno == ENOENT { return nil }
            throw ItemError(error, item: name)
        }
    }

    /// By the file that they lead to.
    func takesForOne(_ name: String, _ other: String) async throws -> Bool {
        guard let identity = identity(of: try checked(name)) else { return false }
        return try identity == self.identity(of: checked(other))
    }

    /// nil for what is not there, or cannot be looked at, of which whoever uses it is told the reason.
    private func identity(of name: String) -> FileIdentity? {
        do {
            return try FileStatus(of: root.open(below: name, O_RDONLY | O_NONBLOCK), name).identity
        } catch {
            return nil
        }
    }

    func put(_ bytes: [UInt8], as name: String) async throws {
        try reporting(name) {
            let (directory, last) = try makeDirectory(of: checked(name))
            unlinkat(root.raw, Self.temporary, 0)
            let file = try root.open(below: Self.temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
            do {
                try file.writeAll(bytes, name)
                try file.sync(name)
                try systemCall("rename", name) { renameat(root.raw, Self.temporary, directory.raw, last) }
            } catch {
                unlinkat(root.raw, Self.temporary, 0)
                throw error
            }
            try directory.sync(name)
        }
    }

    func delete(_ name: String) async throws {
        try reporting(name) {
            let components = Self.components(of: try checked(name))
            let parent = try root.open(below: components.dropLast().joined(separator: "/"), O_RDONLY | O_DIRECTORY)
            try systemCall("unlink", name) { unlinkat(parent.raw, components[components.count - 1], 0) }
            try parent.sync(name)
        }
    }

    /// The directory that the name is in, made if need be, and the name in it.
    private func makeDirectory(of name: String) throws -> (Descriptor, String) {
        var components = Self.components(of: name)
        let last = components.removeLast()
        var directory = root
        for component in components {
            let parent = directory
            if mkdirat(parent.raw, component, 0o777) == 0 { try parent.sync(name) }
            directory = try parent.open(below: component, O_RDONLY | O_DIRECTORY)
        }
        return (directory, last)
    }

    /// A relative path without `..`, and none that begins as our own temporary file does.
    private func checked(_ name: String) throws -> String {
        let components = Self.components(of: name)
        guard !components.isEmpty,
            components.allSatisfy({
                !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255 && !$0.utf8.contains(0)
            }),
            name != Self.temporary
        else {
            throw ItemError(
                item: name, code: "NAME_REFUSED", message: "\(name.printable(limit: 200)) is no name for a file",
                retryable: false)
        }
        return name
    }

    /// By bytes, as the kernel sees them: with a combining mark behind it a slash is no slash as a character.
    private static func components(of name: String) -> [String] {
        name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { String(Substring($0)) }
    }

    private func reporting(_ name: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as SystemCallError {
            switch error.errno {
            case ENOSPC, EDQUOT: throw JobFailure("NO_SPACE", "the target is full: \(error)", exit: .temporary)
            case EROFS: throw JobFailure("TARGET_READ_ONLY", "the target cannot be written to: \(error)")
            default: throw ItemError(error, item: name)
            }
        }
    }
}
