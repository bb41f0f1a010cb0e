/// What a sync remembers in its target, committed together with the records: how far the job came, for its next attempt, and
/// the bookmark, for the next job.
import JSONText

struct SyncState: Sendable, Equatable {
    /// The job that is not over; empty when none is.
    var jobID = ""
    /// Of that job, over all its attempts.
    var created = 0
    var updated = 0
    var deleted = 0
    /// The greatest value of the cursor field that is done; null before the first incremental job.
    var cursor = JSON.null
    /// The source's own bookmark.
    var bookmark = JSON.null

    var json: JSON {
        [
            "job_id": .string(jobID), "created": JSON(created), "updated": JSON(updated), "deleted": JSON(deleted),
            "cursor": cursor, "bookmark": bookmark,
        ]
    }

    init() {}

    init(_ json: JSON) {
        jobID = json["job_id"]?.string ?? ""
        created = json["created"]?.int ?? 0
        updated = json["updated"]?.int ?? 0
        deleted = json["deleted"]?.int ?? 0
        cursor = json["cursor"] ?? .null
        bookmark = json["bookmark"] ?? .null
    }
}
