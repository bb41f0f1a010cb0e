/// What became of one record.
import JobHandler

enum Outcome: Sendable, Equatable {
    case created
    case updated
    case skipped
    case failed(ItemError)
    /// Not looked at: beyond the bookmark, or not among those to be retried. Not counted.
    case passedOver
}
