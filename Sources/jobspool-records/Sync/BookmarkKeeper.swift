/// Works out from where the next incremental job has to read. The bookmark never passes a record that failed, and passes what was
/// not read only when the source is ordered. The source's own bookmark does not pass what was read and left, either, whether `limit`
/// or `stop_after_unchanged` was why: in a stream of changes nothing says that those that follow are not new.
import JSONText

struct BookmarkKeeper {
    private(set) var cursor: Cursor?
    /// The source's own.
    private(set) var bookmark: JSON?
    private let isMoving: Bool
    /// Whether the source comes in the order of its cursor.
    private var isOrdered = false
    private var greatest: Cursor?
    /// Of each kind, because those of two kinds cannot be compared.
    private var leastFailed: [Cursor] = []
    /// Whether a record failed of which nobody knows where it stands, such as a line that is no JSON: any cursor may pass it.
    private var isCursorHeld = false
    /// Whether a record failed or was left, behind which the source's own bookmark stays.
    private var isHeld = false

    /// - Parameter state: what earlier jobs left.
    init(_ state: SyncState, isMoving: Bool) {
        (cursor, bookmark) = (state.cursor, state.startBookmark)
        self.isMoving = isMoving
    }

    mutating func take(_ outcomes: [Outcome], _ batch: RecordBatch) {
        guard isMoving else { return }
        isOrdered = batch.isOrderedByCursor
        var free = isHeld ? 0 : batch.count
        for (record, outcome) in outcomes.enumerated() {
            let cursor = batch.cursors.isEmpty ? nil : batch.cursors[record]
            switch outcome {
            case .created, .updated, .skipped:
                if let cursor, greatest?.isBefore(cursor) ?? true { greatest = cursor }
            case .failed:
                free = min(free, record)
                if let cursor {
                    takeFailed(cursor)
                } else if !batch.isOrderedByCursor {
                    isCursorHeld = true
                }
            case .passedOver:
                // What is before the bookmark was dealt with by an earlier job.
                if !batch.entries[record].isPassedOver { free = min(free, record) }
            }
        }
        if !isHeld, let last = batch.bookmarks.last(where: { $0.records <= free }) { bookmark = last.value }
        if free < batch.count { isHeld = true }
    }

    private mutating func takeFailed(_ cursor: Cursor) {
        if let kind = leastFailed.firstIndex(where: { $0.isComparable(to: cursor) }) {
            if cursor.isBefore(leastFailed[kind]) { leastFailed[kind] = cursor }
        } else {
            leastFailed.append(cursor)
        }
    }

    /// The reading is over.
    /// - Parameter isReached: whether all that is new was read.
    mutating func end(isReached: Bool) {
        guard isMoving, isReached || isOrdered, !isCursorHeld, var reached = greatest else { return }
        for failed in leastFailed where failed.isBefore(reached) { reached = failed }
        if cursor.map({ $0.isBefore(reached) }) ?? true { cursor = reached }
    }
}
