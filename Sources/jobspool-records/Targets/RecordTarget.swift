/// Where records go. The planner decides what happens to each record; the target finds what it holds, and carries out.
import JobHandler

protocol RecordTarget: AnyObject {
    /// What messages call it: "table airports of /srv/shop.db". No credentials.
    var name: String { get }

    /// Records that it holds.
    func count() throws -> Int

    /// What an earlier attempt or an earlier job of this sync left.
    /// - Parameter source: the source's `bookmarkName`; bookmarks are kept by target, job type and source.
    func state(source: String) throws -> SyncState

    /// Asks the planner about each record and changes nothing. Records that would be created count as held from then on.
    /// - Returns: an outcome for each record of the batch.
    func plan(_ batch: RecordBatch, _ planner: Planner) throws -> [Outcome]

    /// Asks the planner about each record and does it. When it returns, everything that the outcomes say is done and
    /// `state` is stored, in one transaction. An error of one record is its outcome; an error thrown ends the job. Fewer
    /// outcomes than records mean that the job is asked to stop.
    /// - Parameter state: called with the outcomes: all of them once, after the last record, and before that those so far, where
    ///   they are stored before the others are known.
    func apply(
        _ batch: RecordBatch, _ planner: Planner, state: ([Outcome]) -> SyncState
    ) async throws -> [Outcome]

    /// How many of the records that it holds the planner has not seen.
    func countUnseen(_ seen: SeenRows) throws -> Int

    /// The keys of the first of those.
    func unseenKeys(_ seen: SeenRows, limit: Int) throws -> [String]

    /// Deletes those, at most `limit` of them at a time, in the order in which they stand, and stores `state` of how many there
    /// are so far.
    /// - Returns: their keys, and the errors of those that could not be deleted; empty when none is left.
    func deleteUnseen(
        _ seen: SeenRows, limit: Int, state: (_ deleted: Int) -> SyncState
    ) async throws -> [(key: String, error: ItemError?)]

    /// Stores the state of a sync that is over, on the disk.
    func finish(_ state: SyncState) throws

    /// Called once, also after an error.
    func close() async throws
}
