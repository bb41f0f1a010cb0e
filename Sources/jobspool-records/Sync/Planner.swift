/// Decides what happens to each record: the same for a dry run and a real one, and for every source and target.
import JSONText
import JobHandler

final class Planner {
    /// What the target holds under a key.
    struct Held {
        var row: Int64
        var hash: [UInt8]
    }

    enum Decision {
        case create
        case update
        case skip
        case passOver
        case fail(ItemError)
    }

    private let params: SyncParams
    private let source: any RecordSource
    private(set) var seen = SeenRows()
    private var scratch: [UInt8] = []

    init(_ params: SyncParams, _ source: any RecordSource) {
        self.params = params
        self.source = source
    }

    /// The record's key and hash; an error when it cannot be used.
    func identify(_ record: Int, of batch: RecordBatch) -> Result<(key: [UInt8], hash: [UInt8]), ItemError> {
        let place = source.describe(batch.place(record))
        if let problem = batch.problem(record) {
            return .failure(
                ItemError(item: place, code: problem.code, message: problem.message, retryable: problem.retryable))
        }
        let layout = batch.layout(record)
        let cells = batch.cells(record)
        guard let names = params.key ?? source.key, let index = layout.index(of: names[0]),
            case let cell = cells[cells.startIndex + index], cell.length > 0
        else {
            return .failure(ItemError(item: place, code: "NO_KEY", message: "\(place) has no key", retryable: false))
        }
        scratch.removeAll(keepingCapacity: true)
        for (name, cell) in zip(layout.names, cells).sorted(by: { CanonicalJSON.precedes($0.0.utf8, $1.0.utf8) }) {
            CanonicalJSON.write(text: name.utf8, to: &scratch)
            CanonicalJSON.write(text: batch.bytes[cell.range], to: &scratch)
        }
        return .success((key: Array(batch.bytes[cell.range]), hash: SHA256.hash(scratch)))
    }

    func decide(key: [UInt8], hash: [UInt8], held: Held?, at place: Place) -> Decision {
        guard let held else { return .create }
        guard seen.insert(held.row) else {
            let item = String(decoding: key, as: UTF8.self)
            let message = "\(source.describe(place)) has a key that an earlier record has"
            return .fail(ItemError(item: item, code: "DUPLICATE_KEY", message: message, retryable: false))
        }
        return held.hash == hash && !params.force ? .skip : .update
    }

    /// A record was created in this row.
    func created(_ row: Int64) { _ = seen.insert(row) }
}
