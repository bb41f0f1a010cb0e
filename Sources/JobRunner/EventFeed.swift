/// `spool.events.jsonl`: every change of state of every job, appended after the change is on the disk. When the daemon
/// returns, the feed is brought up to what the files say.
///
/// A feed that is full goes to the archive under the number of its last event, and a new one is begun. What is open by then
/// (`FeedRecord`) is written down first: the new feed alone does not say it.
///
/// The feed is synced when a daemon stops, and otherwise when it is full. When the machine has been started anew, and the daemon before
/// had not stopped, what it told last may be lost: then the numbers go on a million later, so that none stands for two events.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

final class EventFeed {
    private let spool: Spool
    /// In bytes: past it a new file is begun.
    private let rotationSize: Int64
    private var file: Descriptor
    private var size: Int64
    private var unwritten: [UInt8] = []
    /// CLOCK_MONOTONIC, seconds.
    private var rotateNotBefore = 0.0
    private var record: FeedRecord
    /// What a daemon that stopped has written down is not true any more once there is another event.
    private var isEndForgotten = false

    /// However full it is, a feed lasts so long, in seconds: whoever follows it by name finds each before the next one takes its
    /// place (tail(1) that has no inotify looks after five seconds in which nothing came).
    private static let shortestLife = 10.0
    private static let name: FileName = {
        guard let name = SpoolFile.events.fileName else { preconditionFailure("the feed is a file of its own") }
        return name
    }()

    var lastSequence: Int64 { record.lastSequence }
    /// What the feed says last of each job that it does not say is over.
    var open: NameTable<FeedRecord.Told> { record.open }

    init(_ spool: Spool, rotationSize: Int64) throws(SpoolError) {
        self.spool = spool
        self.rotationSize = rotationSize
        record = try FeedRecord(before: Self.name, in: spool)
        if let known = try spool.reopenLog(Self.name) {
            size = try record.read(known)
            // A line may have been cut off when a daemon died.
            if try known.stat().size > size { try known.truncate(to: size) }
            file = known
        } else {
            size = 0
            file = try Self.begin(spool, &record)
        }
    }

    /// Begins a feed where there is none, where another's file has the name, and where a daemon died when it had given its own
    /// one the name in the archive.
    private static func begin(_ spool: Spool, _ record: inout FeedRecord) throws(SpoolError) -> Descriptor {
        if try spool.isOwn(name), let bytes = try spool.root.read(name) {
            record.read(bytes[...])
            try record.save(in: spool)
            let archived = ArchivedFeed(lastSequence: record.lastSequence).fileName
            try spool.setLogAside(name, to: try spool.openArchive(), archived)
        } else {
            try spool.moveAsideUnlessOwn(name)
        }
        return try spool.createLog(name)
    }

    /// The job is nowhere to be found: nothing more will be told of it.
    func forget(_ name: JobName) { record.open.remove(name) }

    /// Adds an event; `flush` writes it.
    func append(_ kind: JobEvent.Kind, _ status: JobStatus, message: String? = nil) {
        record.tell(status.identity.name, status.identity.jobID, status.standing)
        add(JobEvent(at: Clock.now(), sequence: record.nextSequence(), kind: kind, status: status, message: message))
    }

    /// Adds an event that is about no job.
    func notice(_ message: String) {
        add(JobEvent(at: Clock.now(), sequence: record.nextSequence(), noticed: message))
    }

    private func add(_ event: JobEvent) {
        event.json.write(to: &unwritten)
        unwritten.append(0x0A)
    }

    /// So much is to be written, in bytes, that it should not be left to wait for more.
    var isFull: Bool { unwritten.count > 1 << 16 }

    // MARK: Power cuts

    /// In `.jobspool`: the number of the last event that is on the disk, of a daemon that has stopped.
    private static let end = FileName("feed-end")

    /// The machine has been started anew since a daemon served the spool.
    func skipLost() throws(SpoolError) {
        let known = try spool.home.read(Self.end).flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
        if known == lastSequence { return }
        // A new spool has lost nothing.
        let isNew = try !spool.hasBootMark()
        if isNew, lastSequence == 0 { return }
        record.skipLost()
    }

    /// The daemon stops, and all is written.
    func end() throws(SpoolError) {
        try flush()
        try file.syncData()
        try spool.publish(Array("\(lastSequence)".utf8), as: Self.end, in: spool.home, .power)
        isEndForgotten = false
    }

    private func forgetEnd() throws(SpoolError) {
        if isEndForgotten { return }
        if try spool.home.remove(Self.end) { try spool.home.sync() }
        isEndForgotten = true
    }

    /// Writes what waits; what the disk does not take waits on.
    func flush() throws(SpoolError) {
        if unwritten.isEmpty { return }
        try forgetEnd()
        let before = unwritten.count
        do throws(SpoolError) {
            try file.drain(&unwritten)
        } catch {
            size += Int64(before - unwritten.count)
            throw error
        }
        size += Int64(before)
        // Its room as well, after a burst.
        if before > 1 << 18 { unwritten = [] }
        if size >= rotationSize { try rotate() }
    }

    /// Only when everything is written: a feed ends with a whole line, whose number is its name.
    private func rotate() throws(SpoolError) {
        let now = Clock.monotonic()
        guard now >= rotateNotBefore else { return }
        rotateNotBefore = now + Self.shortestLife
        try record.save(in: spool)
        let archived = ArchivedFeed(lastSequence: lastSequence).fileName
        file = try spool.rotateLog(Self.name, to: try spool.openArchive(), archived)
        size = 0
    }
}
