/// Where records go. The planner decides what happens to each record; the target says what it holds, and carries out.
import JSONText
import JobHandler

protocol RecordTarget: AnyObject {
    /// What messages call it: "table airports of /srv/shop.db".
    var name: String { get }

    /// Records that it holds.
    func count() throws -> Int

    /// What an earlier attempt or an earlier job of this sync left: see `SyncState`.
    func state() throws -> SyncState

    /// For each record of the batch: finds what it holds, asks the planner, does it. When it returns, everything that the
    /// outcomes say is done, and `state` is stored, in one transaction.
    /// - Returns: an outcome for each record of the batch.
    func apply(_ batch: RecordBatch, _ planner: Planner, state: () -> SyncState) async throws -> [Outcome]

    /// How many of the records that it holds the planner has not seen.
    func countUnseen(_ planner: Planner) throws -> Int

    /// Deletes those, at most `limit` of them, the first ones first.
    /// - Returns: the keys that were deleted, or could not be; empty when none is left.
    func deleteUnseen(_ planner: Planner, limit: Int) async throws -> [(key: String, error: ItemError?)]

    /// Stores the state at the end, on the disk.
    func finish(_ state: SyncState) throws

    func close() throws
}
