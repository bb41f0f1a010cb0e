/// Where the record of each row stood, for the message about a second one of the same key. Written in the order of reading
/// and looked through only when there is such a message to write: so it is a file without a name, of which a little is kept in
/// memory, and not a table.
import Glibc
import JobHandler

final class PlaceLog {
    private struct Entry {
        var row: Int64
        var file: Int32
        var number: Int64
    }

    /// Entries in memory at the most (1.5 MB).
    private static let limit = 1 << 16

    private var entries: [Entry] = []
    private var file: Int32 = -1
    private var written = 0

    deinit { if file >= 0 { close(file) } }

    func append(_ place: Place, row: Int64) throws {
        if entries.count == Self.limit { try flush() }
        entries.append(Entry(row: row, file: Int32(place.file), number: Int64(place.number)))
    }

    /// The place of the row's record; nil when none was noted.
    func place(of row: Int64) throws -> Place? {
        if let found = entries.first(where: { $0.row == row }) { return Self.place(found) }
        var chunk = [Entry](repeating: Entry(row: 0, file: 0, number: 0), count: 4096)
        for first in stride(from: 0, to: written, by: chunk.count) {
            let count = min(chunk.count, written - first)
            try chunk.withUnsafeMutableBytes { buffer in
                let size = count * MemoryLayout<Entry>.stride
                let offset = first * MemoryLayout<Entry>.stride
                var done = 0
                while done < size {
                    let read = try systemCall("pread", "a temporary file") {
                        pread(file, buffer.baseAddress! + done, size - done, offset + done)
                    }
                    if read == 0 { break }
                    done += read
                }
            }
            if let found = chunk[..<count].first(where: { $0.row == row }) { return Self.place(found) }
        }
        return nil
    }

    private static func place(_ entry: Entry) -> Place { Place(file: Int(entry.file), number: Int(entry.number)) }

    private func flush() throws {
        if file < 0 { file = try TemporaryFile.open() }
        try entries.withUnsafeBytes { try TemporaryFile.write($0, to: file) }
        written += entries.count
        entries.removeAll(keepingCapacity: true)
    }
}
