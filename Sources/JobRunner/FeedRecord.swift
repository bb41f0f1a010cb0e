/// What a feed has told: its last number, and where it says that jobs are which it does not say are over. It is folded from the
/// feed's lines; what the feeds before told is kept in `.jobspool/feed`, written before each rotation.
import JSONText
import SpoolProtocol
import SpoolStorage

struct FeedRecord {
    struct Told: Equatable {
        var jobID: String?
        var standing: Standing?
    }

    var lastSequence: Int64 = 0
    var open: [JobName: Told] = [:]

    private static let file = FileName("feed")

    /// What was told before the present feed of this name.
    init(before present: FileName, in spool: Spool) throws(SpoolError) {
        let feeds = try spool.archivedFamilies().feeds()
        if let bytes = try spool.home.read(Self.file) { readSaved(bytes) }
        guard let newest = feeds.last, newest.lastSequence > lastSequence else { return }
        // An earlier version kept no record: the newest archived feed says the most.
        lastSequence = newest.lastSequence
        do throws(SpoolError) {
            if let bytes = try spool.openArchive().read(newest.fileName) { read(bytes) }
        } catch {
            // No regular file, or not to be read: its name says the number.
        }
    }

    /// Folds the lines of a feed.
    mutating func read(_ bytes: [UInt8]) {
        for line in bytes.split(separator: 0x0A) {
            do {
                let event = try JSON(parsing: Array(line))
                lastSequence = max(lastSequence, event["sequence"]?.int64 ?? 0)
                guard let text = event["name"]?.string else { continue }
                tell(
                    try JobName(text), event["job_id"]?.string,
                    event["status"]?.string.flatMap(Standing.init(rawValue:)))
            } catch {
                // A line that no daemon wrote says nothing.
            }
        }
    }

    mutating func tell(_ name: JobName, _ jobID: String?, _ standing: Standing?) {
        open[name] = standing?.isOver ?? true ? nil : Told(jobID: jobID, standing: standing)
    }

    // MARK: The file

    /// On the disk before the feed is: without it the next daemon would tell anew what had been told.
    func save(in spool: Spool) throws(SpoolError) {
        let told = open.sorted { $0.key < $1.key }.map { name, told in
            (name.string, ["job_id": JSON(told.jobID), "status": JSON(told.standing?.rawValue)] as JSON)
        }
        let json: JSON = ["v": 1, "sequence": JSON(lastSequence), "open": .object(JSONObject(told))]
        try spool.publish(json.line, as: Self.file, in: spool.home, .power)
    }

    private mutating func readSaved(_ bytes: [UInt8]) {
        do {
            let json = try JSON(parsing: bytes)
            lastSequence = json["sequence"]?.int64 ?? 0
            for (name, told) in json["open"]?.object?.members ?? [] {
                tell(
                    try JobName(name), told["job_id"]?.string,
                    told["status"]?.string.flatMap(Standing.init(rawValue:)))
            }
        } catch {
            // Damaged: what it says up to here is true, and the feed says the rest.
        }
    }
}
