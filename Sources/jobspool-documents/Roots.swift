/// Opens the two directories of a job, and refuses what could only end badly: a source that is not there, roots that lie
/// within each other, a path that leaves them by a symbolic link.
import Glibc
import JSONText
import JobHandler

struct Roots {
    let source: Descriptor
    /// nil when it does not exist yet; its parent does.
    let target: Descriptor?

    /// - Throws: `JobFailure`.
    init(_ params: SyncParams) throws {
        do {
            source = try .root(params.source)
        } catch {
            throw JobFailure(
                error.errno == ENOENT ? "SOURCE_MISSING" : "SOURCE_UNREADABLE",
                "the source cannot be opened: \(error)", details: ["source": .string(params.source)])
        }
        target = try Self.openTarget(params.target)
        try Self.refuseNesting(source, try target ?? Self.parent(params.target), exists: target != nil)
    }

    private static func openTarget(_ path: String) throws -> Descriptor? {
        do {
            return try .root(path)
        } catch {
            if error.errno == ENOENT { return nil }
            throw JobFailure(
                "TARGET_UNUSABLE", "the target cannot be opened: \(error)", details: ["target": .string(path)])
        }
    }

    /// Only the last name of a target is made: more than that missing means that something is not mounted.
    private static func parent(_ path: String) throws -> Descriptor {
        do {
            return try .root(parentPath(path))
        } catch {
            throw JobFailure(
                "TARGET_MISSING", "the target does not exist, and neither does the directory it would be in: \(error)",
                details: ["target": .string(path)])
        }
    }

    /// By bytes, as the kernel sees them: with a combining mark behind it a slash is no slash as a character.
    static func parentPath(_ path: String) -> String {
        let names = path.utf8.split(separator: UInt8(ascii: "/")).dropLast()
        return "/" + names.map { String(Substring($0)) }.joined(separator: "/")
    }

    private static func refuseNesting(_ source: Descriptor, _ target: Descriptor, exists: Bool) throws {
        let sourceIdentity = try FileStatus(of: source, "source").identity
        let targetIdentity = try FileStatus(of: target, "target").identity
        if exists, sourceIdentity == targetIdentity {
            throw JobFailure.invalidParams(
                field: "params.target", "`params.target` is the same directory as `params.source`")
        }
        if try target.isWithin(sourceIdentity) {
            throw JobFailure.invalidParams(
                field: "params.target",
                "`params.target` lies within `params.source`: every run would copy what the last one copied")
        }
        if exists, try source.isWithin(targetIdentity) {
            throw JobFailure.invalidParams(
                field: "params.source", "`params.source` lies within `params.target`, which would be written over it")
        }
    }

    /// Makes the target root, as a user's own directory until it gets the source's mode.
    static func makeTarget(_ path: String) throws -> Descriptor {
        try systemCall("mkdir", path) { mkdir(path, 0o700) }
        let parent = try Descriptor.root(parentPath(path))
        try systemCall("fsync", parentPath(path)) { fsync(parent.raw) }
        return try .root(path)
    }

    /// Opens the directory `path` below a root; nil when it does not exist.
    /// - Throws: `JobFailure` when a name on the way is a symbolic link or no directory.
    static func open(_ path: RelativePath, below root: Descriptor, _ side: String) throws -> Descriptor? {
        var current = root
        var walked: [UInt8] = []
        for component in path.components {
            if !walked.isEmpty { walked.append(UInt8(ascii: "/")) }
            walked += component
            do {
                current = try current.directory(name(component), display(walked))
            } catch {
                if error.errno == ENOENT { return nil }
                guard [ENOTDIR, ELOOP].contains(error.errno) else {
                    throw JobFailure("\(side.uppercased())_UNREADABLE", "\(side): \(error)")
                }
                let status = try FileStatus(of: name(component), in: current, display(walked))
                let what = status.kind == .symbolicLink ? "a symbolic link, which is not followed" : "no directory"
                throw JobFailure.invalidParams(
                    field: "params.path",
                    "`params.path` leads through \(display(walked)), which in the \(side) is \(what)")
            }
        }
        return current
    }
}
