/// What a feed has told: its last number, and where it says that jobs are which it does not say are over. It is folded from the
/// feed's lines; what the feeds before told is kept in `.jobspool/feed`, written before each rotation.
import JSONText
import SpoolProtocol
import SpoolStorage

struct FeedRecord {
    struct Told: Equatable, Named {
        var name: JobName
        /// nil when it was none of a daemon's.
        var id: JobID?
        var standing: Standing?
    }

    private(set) var lastSequence: Int64 = 0
    var open = NameTable<Told>()

    private static let file = FileName("feed")
    /// No feed comes as far: a larger number is none of a daemon's. All programs that read JSON know numbers up to here (RFC 8259, 6).
    private static let numbers: ClosedRange<Int64> = 1...(1 << 53)

    /// What was told before the present feed of this name.
    init(before present: FileName, in spool: Spool) throws(SpoolError) {
        let feeds = try spool.archivedFamilies().feeds()
        if let bytes = try spool.home.read(Self.file) { readSaved(bytes) }
        guard let newest = feeds.last(where: { Self.numbers.contains($0.lastSequence) }),
            newest.lastSequence > lastSequence
        else { return }
        // An earlier version kept no record: the newest archived feed says the most.
        lastSequence = newest.lastSequence
        do throws(SpoolError) {
            if let bytes = try spool.openArchive().read(newest.fileName) { read(bytes[...]) }
        } catch {
            // No regular file, or not to be read: its name says the number.
        }
    }

    /// Folds the whole lines of a feed.
    /// - Returns: where the last one ends, in bytes.
    mutating func read(_ feed: borrowing Descriptor) throws(SpoolError) -> Int64 {
        var offset: Int64 = 0
        var limit = 1 << 20
        while true {
            let bytes = try feed.read(from: offset, limit: limit)
            if let end = bytes.lastIndex(of: 0x0A) {
                read(bytes[...end])
                offset += Int64(end) + 1
            } else if bytes.count < limit {
                return offset
            } else {
                limit *= 2
            }
        }
    }

    /// Folds the lines of a feed.
    mutating func read(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            let line = rest.prefix { $0 != 0x0A }
            rest = rest[line.endIndex...].dropFirst()
            if line.isEmpty { continue }
            do {
                let event = try JSON(parsing: Array(line))
                saw(event["sequence"])
                guard let text = event["name"]?.string else { continue }
                tell(
                    try JobName(text), event["job_id"]?.string,
                    event["status"]?.string.flatMap(Standing.init(rawValue:)))
            } catch {
                // A line that no daemon wrote says nothing.
            }
        }
    }

    private mutating func saw(_ number: JSON?) {
        guard let number = number?.int64, Self.numbers.contains(number) else { return }
        lastSequence = max(lastSequence, number)
    }

    /// What was told last may be lost, and its numbers with it: none of them is to be used again.
    mutating func skipLost() { lastSequence = min(lastSequence + Self.mostLost, Self.numbers.upperBound) }

    /// More events than a daemon tells in the half minute, or the ten minutes at most, that a kernel keeps from the disk what was not synced.
    static let mostLost: Int64 = 1_000_000

    /// The number of the next event.
    mutating func nextSequence() -> Int64 {
        lastSequence += 1
        return lastSequence
    }

    mutating func tell(_ name: JobName, _ jobID: String?, _ standing: Standing?) {
        if standing?.isOver ?? true {
            open.remove(name)
        } else {
            open.put(Told(name: name, id: jobID.flatMap(JobID.init), standing: standing))
        }
    }

    // MARK: The file

    /// On the disk before the feed is: without it the next daemon would tell anew what had been told.
    func save(in spool: Spool) throws(SpoolError) {
        let told = open.all.sorted { $0.name < $1.name }.map { told in
            (told.name.string, ["job_id": JSON(told.id?.string), "status": JSON(told.standing?.rawValue)] as JSON)
        }
        let json: JSON = ["v": 1, "sequence": JSON(lastSequence), "open": .object(JSONObject(told))]
        try spool.publish(json.line, as: Self.file, in: spool.home, .power)
    }

    private mutating func readSaved(_ bytes: [UInt8]) {
        do {
            let json = try JSON(parsing: bytes)
            saw(json["sequence"])
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
