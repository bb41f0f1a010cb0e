/// Works out from where the next incremental job has to read. The bookmark never passes a record that failed, and passes what was
/// not read only when the source is ordered.
import JSONText

struct BookmarkKeeper {
    private(set) var cursor: Cursor?
    /// The source's own.
    private(set) var bookmark: JSON?
    private let isMoving: Bool
    /// Whether the source comes in the order of its cursor.
    private var isOrdered = false
    private var greatest: Cursor?
    private var leastFailed: Cursor?
    private var hasFailed = false

    /// - Parameter state: what earlier jobs left.
    init(_ state: SyncState, isMoving: Bool) {
        (cursor, bookmark) = (state.cursor, state.bookmark)
        self.isMoving = isMoving
    }

    mutating func take(_ outcomes: [Outcome], _ batch: RecordBatch) {
        guard isMoving else { return }
        isOrdered = batch.isOrderedByCursor
        for (record, outcome) in outcomes.enumerated() {
            let cursor = batch.cursors.isEmpty ? nil : batch.cursors[record]
            switch outcome {
            case .created, .updated, .skipped:
                if let cursor, greatest?.isBefore(cursor) ?? true { greatest = cursor }
            case .failed:
                hasFailed = true
                if let cursor, leastFailed.map({ cursor.isBefore($0) }) ?? true { leastFailed = cursor }
            case .passedOver: break
            }
        }
        if !hasFailed, let bookmark = batch.bookmark { self.bookmark = bookmark }
    }

    /// The reading is over.
    /// - Parameters:
    ///   - isWhole: to the end of the source.
    ///   - isStoppedEarly: because what follows is known to be unchanged.
    mutating func end(isWhole: Bool, isStoppedEarly: Bool) {
        guard isMoving, isWhole || isStoppedEarly || isOrdered, var reached = greatest else { return }
        if let leastFailed, leastFailed.isBefore(reached) { reached = leastFailed }
        if cursor.map({ $0.isBefore(reached) }) ?? true { cursor = reached }
    }
}
