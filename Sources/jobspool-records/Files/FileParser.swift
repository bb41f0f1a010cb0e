/// What takes the files of one format apart. One parser reads one file.
protocol FileParser: AnyObject {
    /// Appends records until the batch is full or the file ends.
    /// - Returns: whether there may be more.
    func read(into batch: inout RecordBatch) throws -> Bool

    /// Counts the file's records without taking them apart. Called on a parser of its own.
    func count() throws -> Int
}
