/// Where records come from: a stream that is read once, batch by batch, from beginning to end.
///
/// One bad record is a `Problem` in the batch, which is counted and told; an error thrown ends the job. A source looks at
/// `Job.isStopping` only where it waits: between batches the engine does.
import JSONText

protocol RecordSource: AnyObject {
    /// What messages call it: "/srv/export/airports.csv", "table customers of /srv/shop.db".
    var name: String { get }

    /// The fields that make a record's key where the params name none; nil when the source cannot say. Known after the
    /// first batch at the latest.
    var key: [String]? { get }

    /// Whether a later record of the same key supersedes an earlier one, as in a stream of changes (Singer), instead of being
    /// an error.
    var isStreamOfChanges: Bool { get }

    /// What a later job may go on from once everything read so far is in the target: a Singer state, a page. nil for
    /// sources that are read from the beginning each time.
    var bookmark: JSON? { get }

    /// Records in all, where that is to be had cheaply; nil where it is not known.
    func count() async throws -> Int?

    /// Appends records until the batch is full. To be called again until it returns false.
    /// - Returns: whether there may be more.
    func read(into batch: inout RecordBatch) async throws -> Bool

    /// The place as messages name it: "line 17", "b.csv:17", "record 17".
    func describe(_ place: Place) -> String

    /// Called once, also after an error: ends what was started.
    func close() async
}

extension RecordSource {
    var key: [String]? { nil }
    var isStreamOfChanges: Bool { false }
    var bookmark: JSON? { nil }
    func count() async throws -> Int? { nil }
    func describe(_ place: Place) -> String { "record \(place.number)" }
    func close() async {}
}
