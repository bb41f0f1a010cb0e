/// What a spool has told clients, and so must be there after a power cut: requests accepted, results and checkpoints shown.
import JSONText
import SpoolProtocol
import SpoolStorage

@testable import JobRunner

struct Promises: Sendable {
    /// Jobs that the feed has told of, by `job_id`.
    var accepted: [String: JobName] = [:]
    /// How jobs are over that a status or the feed shows to be over.
    var over: [String: JobResult] = [:]
    /// The checkpoints that statuses have shown, in order.
    var checkpoints: [String: [JSON]] = [:]

    /// Jobs whose files are on their way to the archive or have arrived: only a file system that keeps names in order keeps them.
    var archived: Set<JobName> = []

    mutating func leaveOutArchived(_ tree: DiskTree) {
        for (id, result) in over {
            let name = result.status.identity.name
            let isThere = tree.content(.result(name)).map { String(decoding: $0, as: UTF8.self).contains(id) } ?? false
            if isThere { continue }
            archived.insert(name)
            over[id] = nil
            accepted[id] = nil
            checkpoints[id] = nil
        }
    }

    /// After each step what has been promised by then.
    static func all(_ steps: [DiskStep]) throws -> [Promises] {
        var promises = Promises()
        var all: [Promises] = []
        for (number, step) in steps.enumerated() {
            if number > 0 {
                try promises.take(step.seen, before: steps[number - 1].seen)
                try promises.takeResults(step.synced, before: steps[number - 1].synced)
                promises.leaveOutDeleted(step)
            }
            all.append(promises)
        }
        return all
    }

    /// Results that are on the disk, under their names: from now on clients may have been told.
    private mutating func takeResults(_ tree: DiskTree, before: DiskTree) throws {
        for (entry, id) in tree.inodes[DiskTree.root]?.entries ?? [:] {
            guard case .result = SpoolFile(entry), let inode = tree.inodes[id], inode != before.inodes[id],
                let result = JobResult(json: try JSON(parsing: inode.content))
            else { continue }
            over[result.status.identity.jobID] = result
        }
    }

    /// What is deleted from the archive has been kept as long as it was promised.
    private mutating func leaveOutDeleted(_ step: DiskStep) {
        guard step.call.hasPrefix("\(SystemOperation.rename.rawValue) "), step.call.contains("/.jobspool/trash/") else {
            return
        }
        for id in Array(accepted.keys) + Array(over.keys) where step.call.contains("~\(id)") {
            over[id] = nil
            accepted[id] = nil
            checkpoints[id] = nil
        }
    }

    private mutating func take(_ tree: DiskTree, before: DiskTree) throws {
        guard let root = tree.inodes[DiskTree.root] else { return }
        for (entry, id) in root.entries {
            guard let inode = tree.inodes[id], inode.kind == .file else { continue }
            if before.inodes[DiskTree.root]?.entries[entry] == id, before.inodes[id] == inode { continue }
            switch SpoolFile(entry) {
            case .status(let name):
                guard let status = JobStatus(json: try JSON(parsing: inode.content)) else {
                    throw Violation("\(entry) is no status")
                }
                try take(status, tree, name)
            case .events: try takeFeed(inode.content, tree)
            case .request, .cancel, .schedule, .scheduleStatus, .log, .errors, .result, .pause, .spoolStatus, .badName,
                .ignored:
                break
            }
        }
    }

    private mutating func take(_ status: JobStatus, _ tree: DiskTree, _ name: JobName) throws {
        let id = status.identity.jobID
        if !status.checkpoint.isNull, checkpoints[id]?.last != status.checkpoint {
            checkpoints[id, default: []].append(status.checkpoint)
        }
        if status.standing.isOver { try takeEnd(of: name, id, tree) }
    }

    private mutating func takeFeed(_ content: [UInt8], _ tree: DiskTree) throws {
        for line in content.split(separator: 0x0A) {
            let event = try JSON(parsing: Array(line))
            guard let name = try event["name"]?.string.map({ try JobName($0) }), let id = event["job_id"]?.string else {
                continue
            }
            accepted[id] = name
            let standing = event["status"]?.string.flatMap(Standing.init(rawValue:))
            if standing?.isOver == true, over[id] == nil { try takeEnd(of: name, id, tree) }
        }
    }

    private mutating func takeEnd(of name: JobName, _ id: String, _ tree: DiskTree) throws {
        if over[id] != nil { return }
        guard let bytes = tree.content(.result(name)), let result = JobResult(json: try JSON(parsing: bytes)),
            result.status.identity.jobID == id
        else { throw Violation("\(name) is shown to be over before it has a result") }
        over[id] = result
    }
}
