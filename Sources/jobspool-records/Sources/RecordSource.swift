/// Where records come from: a stream that is read once, batch by batch, from beginning to end.
///
/// One bad record is a `Problem` in the batch, which is counted and told; an error thrown ends the job. A source looks at
/// `Job.isStopping` only where it waits for somebody: between batches the engine does.
import JSONText
import JobHandler

protocol RecordSource: AnyObject {
    /// That of its `SourceParams`.
    var name: String { get }

    /// The fields that make a record's key where the params name none; nil when the source cannot say. Known after the
    /// first call of `read` at the latest.
    var key: [String]? { get }

    /// Fields that say nothing of a record, where the params do not name `ignore_fields`.
    var ignoredFields: [String] { get }

    /// Whether a later record of the same key supersedes an earlier one, as in a stream of changes (Singer), instead of being
    /// an error.
    var isStreamOfChanges: Bool { get }

    /// Whether records come in the order of `cursor_field`, so that a bookmark may be set before the end is reached.
    var isOrderedByCursor: Bool { get }

    /// Where a later attempt of the same job may go on once everything that was read so far is in the target: a page. nil for
    /// sources that are read from the beginning again.
    var position: JSON? { get }

    /// Whether it goes on where the context's `position` says. Known after `count`: one that does not hold any more is left, and the
    /// reading begins at the beginning.
    var isResumed: Bool { get }

    /// Whether it may be read a batch further than is needed, by another thread, because that costs nobody anything.
    var isReadAhead: Bool { get }

    /// How far the reading is, where the source is a matter of bytes.
    var bytes: (done: Int64, total: Int64)? { get }

    /// Records in all, where that is to be had cheaply; nil where it is not known. Called once, before the first `read`.
    func count() async throws -> Int?

    /// Appends records until the batch is full, or the end is reached. To be called again until it returns false.
    /// - Returns: whether there may be more.
    func read(into batch: inout RecordBatch) async throws -> Bool

    /// Called once, also after an error: ends what was started.
    func close() async
}

extension RecordSource {
    var key: [String]? { nil }
    var ignoredFields: [String] { [] }
    var isStreamOfChanges: Bool { false }
    var isOrderedByCursor: Bool { false }
    var position: JSON? { nil }
    var isResumed: Bool { false }
    var isReadAhead: Bool { false }
    var bytes: (done: Int64, total: Int64)? { nil }
    func count() async throws -> Int? { nil }
    func close() async {}
}

/// What a source may want to know when it is opened.
struct SourceContext {
    let job: Job
    /// Incremental: the field by which the sync knows what is new; nil where there is none.
    var cursorField: String?
    /// Incremental: where to begin, the look-back taken off already; nil for the beginning. A source that cannot begin there may
    /// give everything: what is before it will be passed over.
    var start: Cursor?
    /// Incremental: the source's own bookmark; nil for the beginning.
    var bookmark: JSON?
    /// Where an earlier attempt of this job was; nil for the beginning.
    var position: JSON?
    /// The fields of the key, where a record that is missed does harm: it would be deleted, or a bookmark would pass it for good.
    var gapKey: [String]?
    /// Records of which it is enough to read so many at once: `limit`.
    var limit: Int?
    /// Of retries.
    var pacing = Pacing.system
}
