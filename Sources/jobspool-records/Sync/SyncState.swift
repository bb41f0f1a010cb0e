/// What a sync remembers in its target, committed together with the records: what the last job did, for its next attempt, and the
/// bookmark, for the next job. A job that is over may run once more, when nobody heard that it was: so its part stays until
/// another job begins.
import JSONText

struct SyncState: Sendable, Equatable {
    /// The last job.
    var jobID = ""
    /// Where it began to read; nil for the beginning.
    var start: Cursor?
    /// The source's own bookmark with which it began. A source that goes on from one has to be read from here by each attempt: what
    /// was looked at is counted from here.
    var startBookmark: JSON?
    /// What it has done, over all its attempts.
    var created = 0
    var updated = 0
    var deleted = 0
    /// Records that it has looked at, and how many of the last of them were unchanged.
    var looked = 0
    var unchanged = 0
    /// How many of those count towards the limit.
    var counted = 0
    /// The greatest value of the cursor field that is done; nil before the first incremental job.
    var cursor: Cursor?
    /// Which field that is; nil where an earlier version has not said it.
    var cursorField: String?
    /// The source's own bookmark.
    var bookmark: JSON?
    /// Whether the target had records when it was last looked at: once it has none, no bookmark leads to what it lacks.
    var hasRows = false
    /// Whether a job, of whatever type, has not read the source to its end, so that what is unchanged may come before what the target
    /// lacks. It is kept beside the rest, for all types that read the source.
    var isBehind = false
    /// Whether the last job came to its end; true before the first.
    var isOver = true
    /// How far the source was read by the job that is not over.
    var reached: Reached?
    /// Which rows the source had up to there, by chunks: all of them as it was read, those that changed when it is written. They
    /// are kept beside the rest.
    var seen: [SeenRows.Chunk] = []
    /// What is kept of those was of another reading.
    var seenAnew = false

    struct Reached: Sendable, Equatable {
        /// The source's position.
        var position: JSON
        /// What was created and updated up to there.
        var written: Int
        var skipped: Int
        var failed: Int
        /// As those of the state, for what was looked at up to there.
        var looked: Int
        var unchanged: Int
    }

    init() {}

    /// Created and updated by earlier attempts beyond what was reached: found equal when it is read again.
    var carried: Int { created + updated - (reached?.written ?? 0) }

    /// What another job begins with.
    func begun(by jobID: String) -> SyncState {
        var state = SyncState()
        (state.jobID, state.start, state.startBookmark) = (jobID, cursor, bookmark)
        (state.cursor, state.cursorField, state.bookmark) = (cursor, cursorField, bookmark)
        (state.hasRows, state.isBehind) = (hasRows, isBehind)
        return state
    }

    /// The target has no records any more: reading begins at the beginning.
    mutating func forgetBookmarks() {
        (start, startBookmark, cursor, bookmark, reached) = (nil, nil, nil, nil, nil)
        hasRows = false
    }

    /// The cursor is that of another field, and says nothing of this one.
    mutating func forgetCursor() { (start, cursor, isBehind) = (nil, nil, true) }

    /// Takes where an attempt is, unless an earlier one came further.
    mutating func stand(at standing: Planner.Standing) {
        guard standing.looked >= looked else { return }
        (looked, unchanged, counted) = (standing.looked, standing.unchanged, standing.counted)
    }

    mutating func count(_ outcomes: [Outcome]) {
        for outcome in outcomes {
            switch outcome {
            case .created: created += 1
            case .updated: updated += 1
            case .skipped: break
            case .failed, .passedOver: continue
            }
            hasRows = true
        }
    }

    var json: JSON {
        [
            "job_id": .string(jobID), "start": start?.json ?? .null, "start_bookmark": startBookmark ?? .null,
            "created": JSON(created), "updated": JSON(updated), "deleted": JSON(deleted),
            "looked": JSON(looked), "unchanged": JSON(unchanged), "counted": JSON(counted),
            "cursor": cursor?.json ?? .null, "cursor_field": cursorField.map { .string($0) } ?? .null,
            "bookmark": bookmark ?? .null, "rows": .bool(hasRows), "over": .bool(isOver),
            "reached": reached?.json ?? .null,
        ]
    }

    init(_ json: JSON) {
        jobID = json["job_id"]?.string ?? ""
        start = json["start"].flatMap { Cursor($0) }
        // Before it was kept, an attempt went on from the last one.
        startBookmark = (json["start_bookmark"] ?? json["bookmark"]).flatMap { $0.isNull ? nil : $0 }
        created = json["created"]?.int ?? 0
        updated = json["updated"]?.int ?? 0
        deleted = json["deleted"]?.int ?? 0
        looked = json["looked"]?.int ?? 0
        unchanged = json["unchanged"]?.int ?? 0
        // Before it was kept, all of them counted.
        counted = json["counted"]?.int ?? looked
        cursor = json["cursor"].flatMap { Cursor($0) }
        cursorField = json["cursor_field"]?.string
        bookmark = json["bookmark"].flatMap { $0.isNull ? nil : $0 }
        // Before it was kept, a job that has left something is likely to have found some.
        hasRows = json["rows"] != false
        // Before it was kept, it was taken for granted.
        isOver = json["over"] != false
        reached = json["reached"].flatMap { Reached($0) }
    }
}

extension SyncState.Reached {
    var json: JSON {
        [
            "position": position, "written": JSON(written), "skipped": JSON(skipped), "failed": JSON(failed),
            "looked": JSON(looked), "unchanged": JSON(unchanged),
        ]
    }

    init?(_ json: JSON) {
        guard let position = json["position"], !position.isNull else { return nil }
        self.init(
            position: position, written: json["written"]?.int ?? 0, skipped: json["skipped"]?.int ?? 0,
            failed: json["failed"]?.int ?? 0, looked: json["looked"]?.int ?? 0,
            unchanged: json["unchanged"]?.int ?? 0)
    }
}
