/// The records that a plan is going to write, with their keys and hashes, in a file that has no name: written once, read once, in
/// the same order. Each record follows the names of its fields, unless the one before had the same.
import Glibc
import JobHandler

final class RecordSpool: IdentifiedRecords {
    /// What comes next in the file.
    private enum Mark: UInt8 { case layout, record }

    private static let bufferSize = 1 << 18

    private var file: Int32 = -1
    private var places = PlaceNames()
    private var buffer: [UInt8] = []
    private var layout: FieldLayout?
    private(set) var count = 0
    private var reader: SpoolReader?
    private var cells: [Cell] = []

    deinit { if file >= 0 { close(file) } }

    // MARK: Writing

    func append(_ record: Int, of batch: RecordBatch) throws {
        places = batch.places
        let entry = batch.entries[record]
        let range = batch.cellRange(record)
        if layout !== batch.layout(record) {
            let layout = batch.layout(record)
            self.layout = layout
            buffer.append(Mark.layout.rawValue)
            put(layout.count)
            for name in layout.names {
                put(name.utf8.count)
                buffer.append(contentsOf: name.utf8)
            }
        }
        // The bytes of the cells stand together. A key that is not one of them is written after them: in the batch the bytes of all
        // other records may be between.
        let content = batch.cells[range].reduce(0..<0) { union($0, $1.range) }
        let isInside = content.lowerBound <= entry.key.lowerBound && entry.key.upperBound <= content.upperBound
        let keyStart = isInside ? entry.key.lowerBound - content.lowerBound : content.count
        let size = isInside ? content.count : content.count + entry.key.count
        buffer.append(Mark.record.rawValue)
        for number in [size, entry.place.file, entry.place.number, keyStart, entry.key.count] { put(number) }
        for cell in batch.cells[range] {
            buffer.append(cell.kind.rawValue)
            put(cell.length == 0 ? 0 : cell.start - content.lowerBound)
            put(cell.length)
        }
        buffer.append(contentsOf: batch.hash(record))
        buffer.append(contentsOf: batch.bytes[content])
        if !isInside { buffer.append(contentsOf: batch.bytes[entry.key]) }
        count += 1
        if buffer.count >= Self.bufferSize { try flush() }
    }

    private func union(_ a: Range<Int>, _ b: Range<Int>) -> Range<Int> {
        if b.isEmpty { return a }
        return a.isEmpty ? b : min(a.lowerBound, b.lowerBound)..<max(a.upperBound, b.upperBound)
    }

    private func put(_ number: Int) {
        withUnsafeBytes(of: UInt32(number)) { buffer.append(contentsOf: $0) }
    }

    private func flush() throws {
        if file < 0 { file = try TemporaryFile.open() }
        try buffer.withUnsafeBytes { try TemporaryFile.write($0, to: file) }
        buffer.removeAll(keepingCapacity: true)
    }

    // MARK: Reading

    /// Fills the batch with the next records. Nothing is to be appended any more.
    func next(into batch: inout RecordBatch) async throws -> Bool {
        let reader = try self.reader ?? startReading()
        self.reader = reader
        batch.removeAll()
        batch.places = places
        while !batch.isFull, let mark = try reader.byte() {
            if mark == Mark.layout.rawValue {
                layout = FieldLayout(try (0..<reader.number()).map { _ in try reader.text() })
            } else if let layout {
                try readRecord(layout, reader, into: &batch)
            }
        }
        return try !reader.isAtEnd()
    }

    private func startReading() throws -> SpoolReader {
        try flush()
        layout = nil
        return try SpoolReader(file)
    }

    private func readRecord(_ layout: FieldLayout, _ reader: SpoolReader, into batch: inout RecordBatch) throws {
        let size = try reader.number()
        let place = Place(file: try reader.number(), number: try reader.number())
        let keyStart = try reader.number()
        let key = keyStart..<keyStart + (try reader.number())
        cells.removeAll(keepingCapacity: true)
        for _ in 0..<layout.count {
            let kind = try reader.byte().flatMap(Cell.Kind.init) ?? .null
            cells.append(Cell(kind: kind, start: try reader.number(), length: try reader.number()))
        }
        let hash = Array(try reader.bytes(SHA256.size))
        let content = try reader.bytes(size)
        batch.append(identified: layout, cells, content, key: key, hash: hash[...], at: place)
    }
}

/// Reads numbers and bytes from a file, from its beginning.
private final class SpoolReader {
    private let file: Int32
    private var buffer: [UInt8] = []
    private var at = 0

    init(_ file: Int32) throws {
        self.file = file
        try systemCall("lseek", "a temporary file") { lseek(file, 0, SEEK_SET) }
    }

    func isAtEnd() throws -> Bool { try !fill(1) }

    /// nil at the end.
    func byte() throws -> UInt8? {
        guard try fill(1) else { return nil }
        at += 1
        return buffer[at - 1]
    }

    func number() throws -> Int {
        let four = try bytes(4)
        return Int(four.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
    }

    func text() throws -> String { String(decoding: try bytes(try number()), as: UTF8.self) }

    func bytes(_ count: Int) throws -> ArraySlice<UInt8> {
        guard try fill(count) else {
            throw SystemCallError(operation: "read", path: "a temporary file", errno: EIO)
        }
        at += count
        return buffer[at - count..<at]
    }

    /// - Returns: false when the file ends before.
    private func fill(_ count: Int) throws -> Bool {
        while buffer.count - at < count {
            buffer.removeSubrange(..<at)
            at = 0
            let have = buffer.count
            let want = max(1 << 18, count)
            buffer.append(contentsOf: repeatElement(0, count: want))
            let file = file
            let read = try buffer.withUnsafeMutableBytes { buffer in
                try systemCall("read", "a temporary file") {
                    Glibc.read(file, buffer.baseAddress! + have, want)
                }
            }
            buffer.removeSubrange((have + read)...)
            if read == 0 { return false }
        }
        return true
    }
}
