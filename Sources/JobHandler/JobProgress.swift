/// How far a job is, as its progress lines say it. What is not known stays nil and is not written.
import JSONText

public struct JobProgress: Sendable, Equatable {
    /// One word for what the job does now: "scan", "copy", "delete".
    public var phase: String?
    /// Items done, from 0; never goes back within an attempt.
    public var current: Int?
    /// Items in all, over every phase, so that progress does not restart with a new one.
    public var total: Int?
    /// The item in hand.
    public var item: String?
    /// Bytes done.
    public var bytes: Int64?
    /// Bytes in all.
    public var totalBytes: Int64?
    /// Counts by name, in the order in which they are to be shown: `created updated skipped deleted failed`, and others.
    public var counts: [(name: String, value: Int)] = []

    public init() {}

    public static func == (a: JobProgress, b: JobProgress) -> Bool {
        a.phase == b.phase && a.current == b.current && a.total == b.total && a.item == b.item && a.bytes == b.bytes
            && a.totalBytes == b.totalBytes && a.counts.elementsEqual(b.counts, by: ==)
    }

    var json: JSON {
        var object: JSONObject = ["type": "progress"]
        object["phase"] = phase.map { .string($0) }
        object["current"] = current.map { JSON($0) }
        object["total"] = total.map { JSON($0) }
        object["item"] = item.map { .string($0) }
        object["bytes"] = bytes.map { JSON($0) }
        object["total_bytes"] = totalBytes.map { JSON($0) }
        if !counts.isEmpty { object["counts"] = .object(JSONObject(counts.map { ($0.name, JSON($0.value)) })) }
        return .object(object)
    }
}
