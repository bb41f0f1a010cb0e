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
    /// How far the source was read by the job that is not over.
    var reached: Reached?

    struct Reached: Sendable, Equatable {
        /// The source's position.
        var position: JSON
        /// What was created and updated up to there.
        var written: Int
        var skipped: Int
        var failed: Int
    }

    init() {}

    /// Created and updated by earlier attempts beyond what was reached: found equal when it is read again.
    var carried: Int { created + updated - (reached?.written ?? 0) }

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
            "cursor": cursor?.json ?? .null, "bookmark": bookmark ?? .null, "reached": reached?.json ?? .null,
        ]
    }

    init(_ json: JSON) {
        jobID = json["job_id"]?.string ?? ""
        created = json["created"]?.int ?? 0
        updated = json["updated"]?.int ?? 0
        deleted = json["deleted"]?.int ?? 0
        cursor = json["cursor"].flatMap { Cursor($0) }
        bookmark = json["bookmark"].flatMap { $0.isNull ? nil : $0 }
        reached = json["reached"].flatMap { Reached($0) }
    }
}

extension SyncState.Reached {
    var json: JSON {
        ["position": position, "written": JSON(written), "skipped": JSON(skipped), "failed": JSON(failed)]
    }

    init?(_ json: JSON) {
        guard let position = json["position"], !position.isNull else { return nil }
        self.init(
            position: position, written: json["written"]?.int ?? 0, skipped: json["skipped"]?.int ?? 0,
            failed: json["failed"]?.int ?? 0)
    }
}
