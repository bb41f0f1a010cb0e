/// Reads a source's records and works out what each is known by: from here on the source itself is not needed any more.
import JSONText
import JobHandler

/// Records with keys and hashes, batch by batch.
protocol IdentifiedRecords: AnyObject {
    /// Fills the batch anew. - Returns: whether there may be more.
    func next(into batch: inout RecordBatch) async throws -> Bool
}

final class RecordReader: IdentifiedRecords {
    private let source: any RecordSource
    private let params: SyncParams
    private let start: Cursor?
    private let retry: RetryItems?
    private var identifier: RecordIdentifier?

    /// - Parameters:
    ///   - start: records whose cursor is before it are passed over.
    ///   - retry: all others are passed over.
    init(_ source: any RecordSource, _ params: SyncParams, start: Cursor?, retry: RetryItems?) {
        self.source = source
        self.params = params
        self.start = start
        self.retry = retry
    }

    func next(into batch: inout RecordBatch) async throws -> Bool {
        batch.removeAll()
        let hasMore = try await source.read(into: &batch)
        batch.position = source.position
        batch.isOrderedByCursor = source.isOrderedByCursor
        batch.read = source.bytes
        guard !batch.isEmpty else { return hasMore }
        let identifier = try self.identifier ?? makeIdentifier()
        self.identifier = identifier
        identifier.identify(&batch)
        if params.mode == .incremental, let field = params.cursorField { try readCursors(field, &batch) }
        if let retry {
            for record in 0..<batch.count where !retry.contains(record, of: batch) { batch.passOver(record) }
        }
        return hasMore
    }

    private func makeIdentifier() throws(JobFailure) -> RecordIdentifier {
        guard let key = params.key ?? source.key else {
            throw .invalidParams(
                field: "params.key", "`params.key` is missing: the field whose value tells one record from another")
        }
        return RecordIdentifier(
            key: key, compareFields: params.compareFields, ignoreFields: params.ignoreFields ?? source.ignoredFields)
    }

    private func readCursors(_ field: String, _ batch: inout RecordBatch) throws {
        for record in 0..<batch.count {
            var cursor: Cursor?
            if batch.entries[record].layout >= 0, let index = batch.layout(record).index(of: field) {
                cursor = Cursor(try batch.json(batch.cells[batch.cellRange(record).lowerBound + index]))
            }
            batch.cursors.append(cursor)
            if let cursor, let start, cursor.isBefore(start) { batch.passOver(record) }
        }
    }
}
