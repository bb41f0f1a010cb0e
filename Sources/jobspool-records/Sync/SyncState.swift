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
    /// The greatest value of the cursor field that is done; nil before the first incremental job.
    var cursor: Cursor?
    /// The source's own bookmark.
    var bookmark: JSON?

    init() {}

    /// Only what a later job goes on from.
    var bookmarks: SyncState {
        var state = SyncState()
        (state.cursor, state.bookmark) = (cursor, bookmark)
        return state
    }

    mutating func count(_ outcomes: [Outcome]) {
        for outcome in outcomes {
            switch outcome {
            case .created: created += 1
            case .updated: updated += 1
            case .skipped, .failed, .passedOver: break
            }
        }
    }

    var json: JSON {
        [
            "job_id": .string(jobID), "created": JSON(created), "updated": JSON(updated), "deleted": JSON(deleted),
            "cursor": cursor?.json ?? .null, "bookmark": bookmark ?? .null,
        ]
    }

    init(_ json: JSON) {
        jobID = json["job_id"]?.string ?? ""
        created = json["created"]?.int ?? 0
        updated = json["updated"]?.int ?? 0
        deleted = json["deleted"]?.int ?? 0
        cursor = json["cursor"].flatMap { Cursor($0) }
        bookmark = json["bookmark"].flatMap { $0.isNull ? nil : $0 }
    }
}
