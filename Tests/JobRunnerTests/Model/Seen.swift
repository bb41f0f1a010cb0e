/// What can be seen of a spool when nothing moves, and whether its files are legal whatever has happened.
import JSONText
import SpoolProtocol
import SpoolStorage

@testable import JobRunner

/// The files of a job that has gone to the archive.
struct ArchivedFiles {
    let result: JobResult
    let directory: Directory

    /// - Throws: `Violation` unless all is there that the job had in the spool.
    func check(hasRequest: Bool) throws {
        let name = result.status.identity.name
        func bytes(_ file: SpoolFile) throws -> [UInt8]? { try directory.read(file.modelName) }
        guard let text = try bytes(.status(name)), var status = JobStatus(json: try JSON(parsing: text)) else {
            throw Violation("\(name) was archived without its status")
        }
        status.recentLogs = []
        if status != result.status { throw Violation("\(name) was archived as \(status.json.text)") }
        if try bytes(.request(name)) == nil, hasRequest { throw Violation("\(name) was archived without its request") }
        if try bytes(.log(name)) == nil, status.startedAt != nil {
            throw Violation("\(name) was archived without its log")
        }
        var offset = 0
        let errors = try SpoolFiles.lines(SpoolFile.errors(name).modelName, in: directory, from: &offset)
        if errors.count != result.errorsTotal { throw Violation("\(name) was archived with \(errors.count) errors") }
        offset = 0
        _ = try SpoolFiles.lines(SpoolFile.log(name).modelName, in: directory, from: &offset)
    }
}

/// The files of one name.
struct Family {
    var status: JobStatus?
    var result: JobResult?
    var isCancelled = false
    /// The messages of handlers in the log, and the items in the errors file.
    var logged: [String] = []
    var itemErrors: [String] = []

    var jobID: String? { result?.status.identity.jobID ?? status?.identity.jobID }
}

struct Seen {
    var families: [JobName: Family] = [:]
    var alive: [FakeAttempt]
    var attemptDirectories: Set<String>
    var now: Timestamp
    /// On the clock that nobody sets.
    var monotonic: Double
    /// Reads the archive.
    var archived: () throws -> [JobResult]
    var feed: [JobName: FeedReader.Told]

    init(_ files: SpoolFiles, _ machine: FakeMachine, _ feed: FeedReader) throws {
        for name in files.names { families[name] = try Family(files, name) }
        alive = machine.alive
        attemptDirectories = Set(try files.privateNames("attempts"))
        now = Clock.now()
        monotonic = Clock.monotonic()
        archived = { try files.archived() }
        self.feed = feed.told
    }
}

extension Seen: CustomStringConvertible {
    var description: String {
        families.sorted { $0.key < $1.key }.compactMap { name, family in
            guard let status = family.status else { return family.isCancelled ? "\(name) cancelled" : nil }
            let parts = [
                "#\(status.identity.sequence)", status.standing.rawValue,
                alive.contains { $0.name == name } ? "alive" : nil,
                status.waitingFor.map { "waits for \($0.json.text)" },
                family.result.map { "over: \(Over($0))" }, family.isCancelled ? "cancel file" : nil,
            ]
            return "\(name) " + parts.compactMap(\.self).joined(separator: " ")
        }.joined(separator: "; ")
    }
}

extension Family {
    /// - Throws: `Violation` when a file is torn, or the files are not one job's.
    init(_ files: SpoolFiles, _ name: JobName) throws {
        status = try files.status(of: name)
        result = try files.result(of: name)
        isCancelled = try files.isCancelled(name)
        logged = try files.lines(.log(name)).filter { $0["source"]?.string == "handler" }
            .compactMap { $0["message"]?.string }
        itemErrors = try files.lines(.errors(name)).compactMap { $0["item"]?.string }
        for identity in [status?.identity, result?.status.identity] {
            if let identity, identity.name != name { throw Violation("the files of \(name) are \(identity.name)'s") }
        }
        if let status, let result, status.identity != result.status.identity {
            throw Violation(
                "status and result of \(name) are different jobs': \(status.json.text) \(result.json.text)")
        }
        if let status, status.standing.isOver, result == nil {
            throw Violation("\(name) is shown as \(status.standing.rawValue) without a result")
        }
    }

    /// What holds when nothing moves: the status says what the result says, or that the job waits or runs.
    func check(_ name: JobName, isAlive: Bool) throws(Violation) {
        if let result {
            guard var shown = status else { throw Violation("\(name) has a result without a status") }
            shown.recentLogs = []
            if shown != result.status {
                throw Violation(
                    "status and result of \(name) differ:\n\(shown.json.text)\n\(result.status.json.text)")
            }
            if isAlive { throw Violation("\(name) has a result, and an attempt of it is alive") }
        } else if let status {
            let right = isAlive ? Standing.running : .pending
            if status.standing != right {
                throw Violation("\(name) is shown as \(status.standing.rawValue), not as \(right.rawValue)")
            }
        }
    }
}

/// Somebody who follows the feed and looks at nothing else.
struct FeedReader {
    /// What the feed says last of the job of a name.
    struct Told: Equatable {
        var jobID: String
        var standing: Standing
    }

    private(set) var told: [JobName: Told] = [:]
    /// How often the feed has said of a job that it is over.
    private(set) var ends: [String: Int] = [:]
    private var seen = 0
    private var offset = 0
    /// Of the file that is being read.
    private var inode: UInt64?
    /// How many feeds it has seen to their ends.
    private(set) var feeds = 0

    /// Reads on, in the archive what has gone there.
    mutating func read(_ files: SpoolFiles) throws {
        let name = SpoolFile.events.modelName
        guard let now = try files.root.stat(name)?.inode else { return }
        if let inode, inode != now {
            if let archive = try files.archive { try read(archive, since: inode, before: now) }
            offset = 0
            feeds += 1
        }
        inode = now
        var end = offset
        let lines = Result { try files.lines(.events, from: &end) }
        // Another one may have come in between: then these were its lines.
        guard try files.root.stat(name)?.inode == now else { return }
        offset = end
        try take(lines.get())
    }

    /// The rest of the feed that was read last, and those that were begun after it and are full already.
    private mutating func read(_ archive: Directory, since inode: UInt64, before now: UInt64) throws {
        var later: [ArchivedFeed] = []
        for entry in try archive.entries() {
            let found = try archive.stat(entry)?.inode
            guard let feed = ArchivedFeed(entry) else {
                if found == inode { throw Violation("a feed is archived as \(entry)") }
                continue
            }
            if found == inode {
                try take(try SpoolFiles.lines(entry, in: archive, from: &offset))
            } else if found != now {
                later.append(feed)
            }
        }
        for feed in later.sorted(by: { $0.lastSequence < $1.lastSequence }) where feed.lastSequence > seen {
            var start = 0
            try take(try SpoolFiles.lines(feed.fileName, in: archive, from: &start))
        }
    }

    private mutating func take(_ lines: [JSON]) throws {
        for line in lines {
            seen += 1
            guard line["sequence"]?.int == seen else { throw Violation("event \(seen) is \(line.text)") }
            guard let name = try line["name"]?.string.map({ try JobName($0) }) else { continue }
            guard let jobID = line["job_id"]?.string,
                let standing = line["status"]?.string.flatMap(Standing.init(rawValue:))
            else { throw Violation("event \(seen) does not say how which job stands: \(line.text)") }
            told[name] = Told(jobID: jobID, standing: standing)
            if standing.isOver { ends[jobID, default: 0] += 1 }
        }
    }
}
