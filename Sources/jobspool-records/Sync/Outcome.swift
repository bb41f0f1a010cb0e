/// What became of one record, or, in a dry run, what would.
import JobHandler

enum Outcome: Sendable, Equatable {
    case created
    case updated
    case skipped
    case failed(ItemError)
    /// Not looked at: before the bookmark, not among those to be retried, or after the last one to be looked at. Not counted.
    case passedOver
}
