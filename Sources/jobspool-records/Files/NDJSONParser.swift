/// Newline-delimited JSON: an object a line. Empty lines count for nothing.
import Glibc

final class NDJSONParser: FileParser {
    private let buffer: FileBuffer
    private let file: Int
    private let parser: JSONRecordParser
    private var line = 0

    init(_ buffer: FileBuffer, file: Int, _ layouts: LayoutCache) {
        self.buffer = buffer
        self.file = file
        parser = JSONRecordParser(layouts)
    }

    func read(into batch: inout RecordBatch) throws -> Bool {
        while !batch.isFull {
            guard let bytes = try nextLine() else { return false }
            parser.append(bytes, at: Place(file: file, number: line), to: &batch)
        }
        return true
    }

    func count() throws -> Int {
        var count = 0
        while try nextLine() != nil { count += 1 }
        return count
    }

    /// The next line that is not empty; valid until the next call.
    private func nextLine() throws -> UnsafeBufferPointer<UInt8>? {
        if line == 0 { try buffer.skipByteOrderMark() }
        while let bytes = try buffer.nextLine() {
            line += 1
            if bytes.contains(where: { $0 != 0x20 && $0 != 0x0D && $0 != 0x09 }) { return bytes }
        }
        return nil
    }
}

extension FileBuffer {
    /// The next line without its line feed, dealt with; valid until more is read. nil at the end.
    func nextLine() throws -> UnsafeBufferPointer<UInt8>? {
        var searched = 0
        while true {
            if let found = memchr(base + start + searched, 0x0A, count - searched) {
                let length = UnsafeMutableRawPointer(base + start).distance(to: found)
                defer { start += length + 1 }
                return UnsafeBufferPointer(start: base + start, count: length)
            }
            searched = count
            if try more() { continue }
            guard count > 0 else { return nil }
            defer { start = end }
            return UnsafeBufferPointer(start: base + start, count: count)
        }
    }
}
