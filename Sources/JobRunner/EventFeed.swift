/// `spool.events.jsonl`: every change of state of every job, appended after the change is on the disk. When the daemon
/// returns, the feed is brought up to what the files say.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

final class EventFeed {
    private let spool: Spool
    private var file: Descriptor
    private var size: Int64
    private var unwritten: [UInt8] = []
    private(set) var lastSequence: Int64

    /// The size in bytes past which a new file is begun; the old one goes to the archive.
    private static let rotationSize: Int64 = 16 << 20
    private static let name = FileName("spool.events.jsonl")
    private static let archivedPrefix = "spool.events-"

    /// What the feed says last of each job that it does not say is over.
    private(set) var open: [JobName: (jobID: String?, standing: Standing?)] = [:]

    init(_ spool: Spool) throws(SpoolError) {
        self.spool = spool
        lastSequence = 0
        file = try Self.openFile(spool)
        var bytes = try file.read(limit: .max)
        let end = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        size = Int64(end)
        if end < bytes.count {
            // Cut off when a daemon died.
            try file.truncate(to: size)
            bytes.removeSubrange(end...)
        }
        readBack(bytes)
        if lastSequence == 0 { lastSequence = try Self.lastArchivedSequence(spool) }
    }

    /// The number that the newest archived feed ended with: its successor may still be empty.
    private static func lastArchivedSequence(_ spool: Spool) throws(SpoolError) -> Int64 {
        guard try spool.root.stat(FileName(SpoolFile.archiveDirectory)) != nil else { return 0 }
        return try spool.openArchive().entries().compactMap { entry in
            guard let name = entry.string, name.hasPrefix(archivedPrefix), name.hasSuffix(".jsonl") else { return nil }
            return Int64(name.dropFirst(archivedPrefix.count).dropLast(".jsonl".count))
        }.max() ?? 0
    }

    private static func openFile(_ spool: Spool) throws(SpoolError) -> Descriptor {
        if let known = try spool.reopenLog(name) { return known }
        try spool.moveAsideUnlessOwn(name)
        return try spool.createLog(name)
    }

    private func readBack(_ bytes: [UInt8]) {
        for line in bytes.split(separator: 0x0A) {
            do {
                let event = try JSON(parsing: Array(line))
                lastSequence = max(lastSequence, event["sequence"]?.int64 ?? 0)
                guard let text = event["name"]?.string else { continue }
                let name = try JobName(text)
                let standing = event["status"]?.string.flatMap(Standing.init(rawValue:))
                open[name] = standing?.isOver ?? true ? nil : (event["job_id"]?.string, standing)
            } catch {
                // A line that no daemon wrote says nothing.
            }
        }
    }

    func forgetReadBack() { open = [:] }

    /// Adds an event; `flush` writes it.
    func append(_ kind: JobEvent.Kind, _ status: JobStatus, message: String? = nil) {
        lastSequence += 1
        add(JobEvent(at: Clock.now(), sequence: lastSequence, kind: kind, status: status, message: message))
    }

    /// Adds an event that is about no job.
    func notice(_ message: String) {
        lastSequence += 1
        add(JobEvent(at: Clock.now(), sequence: lastSequence, noticed: message))
    }

    private func add(_ event: JobEvent) {
        event.json.write(to: &unwritten)
        unwritten.append(0x0A)
    }

    /// Writes what waits; what the disk does not take waits on.
    func flush() throws(SpoolError) {
        if unwritten.isEmpty { return }
        if size >= Self.rotationSize { try rotate() }
        let before = unwritten.count
        defer { size += Int64(before - unwritten.count) }
        try file.drain(&unwritten)
    }

    private func rotate() throws(SpoolError) {
        let archive = try spool.openArchive()
        try spool.root.rename(Self.name, to: archive, FileName("\(Self.archivedPrefix)\(lastSequence).jsonl"))
        file = try spool.createLog(Self.name)
        size = 0
    }
}
