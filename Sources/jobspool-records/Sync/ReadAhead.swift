/// Reads the next batch while the target works on the one before, on another thread. What comes out is what the reader gives, in
/// its order; an error of the reading comes after the batches that were read before it.
final class ReadAhead: IdentifiedRecords {
    private let reading: Reading
    private var task: Task<Bool, any Error>?

    /// The reader and the batch that it fills. Unchecked, because the task alone has them while it runs, and `next` has them
    /// only when it has waited for the task.
    private final class Reading: @unchecked Sendable {
        let reader: RecordReader
        var batch: RecordBatch

        init(_ reader: RecordReader, _ batch: RecordBatch) {
            self.reader = reader
            self.batch = batch
        }

        func next() async throws -> Bool { try await reader.next(into: &batch) }
    }

    /// - Parameter limit: records of a batch.
    init(_ reader: RecordReader, limit: Int) { reading = Reading(reader, RecordBatch(limit: limit)) }

    /// Gives the batch that was read meanwhile for the one that is done with, whose memory is used for the next.
    func next(into batch: inout RecordBatch) async throws -> Bool {
        let hasMore = try await (task ?? start()).value
        task = nil
        swap(&batch, &reading.batch)
        if hasMore { task = start() }
        return hasMore
    }

    private func start() -> Task<Bool, any Error> { Task { [reading] in try await reading.next() } }

    /// Waits until nobody reads any more.
    func end() async { _ = await task?.result }
}
