/// A page in memory: its records, taken out one after the other as they stand, and the rest of it as a value. Records never become
/// values, so that a page takes no more memory than its bytes.
import JSONText

struct PageBody: Sendable {
    enum Broken: Error {
        /// The text ends too early: the response may have been cut off.
        case truncated
        case invalid(String)
        case noRecords(String)
    }

    private let bytes: [UInt8]
    /// Records on the page.
    let count: Int
    /// Records that were taken out.
    private(set) var done = 0
    /// The body with an empty array in place of the records.
    let envelope: JSON
    /// Of the records.
    let hash: [UInt8]
    /// Where the next record, or the comma before it, stands.
    private var at: Int

    /// - Parameter array: the keys that lead to the records; empty when the body is the array.
    init(_ body: [UInt8], array: [String]) throws(Broken) {
        // A byte-order mark is none of JSON's business (RFC 8259, section 8.1), and some write one.
        bytes = body.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(body.dropFirst(3)) : body
        let found = try bytes.withUnsafeBufferPointer { buffer throws(Broken) in
            try Self.find(array, in: buffer)
        }
        count = found.count
        at = found.range.lowerBound + 1
        do throws(JSONSyntaxError) {
            // What is left of the body is small, and is looked at strictly.
            let rest = Array(bytes[..<found.range.lowerBound]) + Array("[]".utf8) + bytes[found.range.upperBound...]
            envelope = try JSON(parsing: rest)
        } catch {
            throw error.isTruncated ? .truncated : .invalid("\(error)")
        }
        hash = Self.hash(bytes[found.range])
    }

    var isDone: Bool { done == count }

    /// Appends the next record to the batch. - Precondition: there is one.
    mutating func appendNext(at place: Place, to batch: inout RecordBatch, _ parser: JSONRecordParser) {
        let range = next()
        bytes.withUnsafeBufferPointer { buffer in
            parser.append(UnsafeBufferPointer(rebasing: buffer[range]), at: place, to: &batch)
        }
    }

    /// Steps over records.
    mutating func skip(_ records: Int) {
        for _ in 0..<min(records, count) { _ = next() }
    }

    private mutating func next() -> Range<Int> {
        let start = at
        let range = bytes.withUnsafeBufferPointer { buffer in
            var scanner = JSONScanner(UnsafeBufferPointer(rebasing: buffer[start...]))
            if done > 0 { _ = scanner.take(UInt8(ascii: ",")) }
            guard let value = Self.take(&scanner) else { preconditionFailure("the values were gone through before") }
            return value
        }
        at = start + range.upperBound
        done += 1
        return start + range.lowerBound..<at
    }

    /// The hash of the hashes of all megabytes, so that there need not be a copy of everything.
    private static func hash(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var hashes: [UInt8] = []
        for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: 1 << 20) {
            hashes += SHA256.hash(Array(bytes[start..<min(start + 1 << 20, bytes.endIndex)]))
        }
        return SHA256.hash(hashes)
    }

    // MARK: Finding the records

    private static func find(
        _ path: [String], in buffer: UnsafeBufferPointer<UInt8>
    ) throws(Broken) -> (range: Range<Int>, count: Int) {
        var scanner = JSONScanner(buffer)
        for (depth, key) in path.enumerated() {
            try enter(key, path[...depth].joined(separator: "."), &scanner, buffer)
        }
        let start = (scanner.peek(), scanner.at).1
        // Some servers write null for an array without elements.
        if scanner.peek() == UInt8(ascii: "n"), !path.isEmpty, scanner.takeWord("null") {
            return (start..<scanner.at, 0)
        }
        guard scanner.take(UInt8(ascii: "[")) else {
            if scanner.isAtEnd { throw .truncated }
            try checkSyntax(buffer)
            let remedy = path.isEmpty ? ": `array` gives the keys that lead to the records" : ""
            throw .noRecords("\(path.isEmpty ? "the body" : "`\(path.joined(separator: "."))`") is no array\(remedy)")
        }
        var count = 0
        if scanner.take(UInt8(ascii: "]")) { return (start..<scanner.at, 0) }
        while true {
            _ = try value(&scanner, buffer)
            count += 1
            if scanner.take(UInt8(ascii: "]")) { return (start..<scanner.at, count) }
            guard scanner.take(UInt8(ascii: ",")) else { throw broken(scanner, buffer) }
        }
    }

    private static func enter(
        _ key: String, _ path: String, _ scanner: inout JSONScanner, _ buffer: UnsafeBufferPointer<UInt8>
    ) throws(Broken) {
        guard scanner.take(UInt8(ascii: "{")) else {
            try checkSyntax(buffer)
            throw .noRecords("there is no object that could have `\(path)`")
        }
        let wanted = JSON.string(key)
        while scanner.peek() == UInt8(ascii: "\"") {
            let name = try value(&scanner, buffer)
            guard scanner.take(UInt8(ascii: ":")) else { throw broken(scanner, buffer) }
            if isEqual(buffer, name, wanted) { return }
            _ = try value(&scanner, buffer)
            guard scanner.take(UInt8(ascii: ",")) else { break }
        }
        try checkSyntax(buffer)
        throw .noRecords("there is no `\(path)`, which `array` names")
    }

    private static func isEqual(_ buffer: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ wanted: JSON) -> Bool {
        do {
            return try JSON(parsing: UnsafeBufferPointer(rebasing: buffer[range])) == wanted
        } catch {
            return false
        }
    }

    /// Steps over a value, which whoever uses it looks at strictly.
    private static func value(
        _ scanner: inout JSONScanner, _ buffer: UnsafeBufferPointer<UInt8>
    ) throws(Broken) -> Range<Int> {
        guard let range = take(&scanner) else { throw broken(scanner, buffer) }
        return range
    }

    private static func take(_ scanner: inout JSONScanner) -> Range<Int>? {
        let first = scanner.peek()
        let start = scanner.at
        let isTaken: Bool =
            switch first {
            case UInt8(ascii: "{"), UInt8(ascii: "["): scanner.takeNested() != nil
            case UInt8(ascii: "\""): scanner.takeString() != nil
            case UInt8(ascii: "t"): scanner.takeWord("true")
            case UInt8(ascii: "f"): scanner.takeWord("false")
            case UInt8(ascii: "n"): scanner.takeWord("null")
            default: scanner.takeNumber() != nil
            }
        return isTaken ? start..<scanner.at : nil
    }

    private static func checkSyntax(_ buffer: UnsafeBufferPointer<UInt8>) throws(Broken) {
        do throws(JSONSyntaxError) {
            _ = try JSON(parsing: buffer)
        } catch {
            throw error.isTruncated ? .truncated : .invalid("\(error)")
        }
    }

    /// What is wrong, in the words of the general parser.
    private static func broken(_ scanner: JSONScanner, _ buffer: UnsafeBufferPointer<UInt8>) -> Broken {
        do throws(JSONSyntaxError) {
            _ = try JSON(parsing: buffer)
            return .invalid("a value cannot be taken apart")
        } catch {
            return error.isTruncated ? .truncated : .invalid("\(error)")
        }
    }
}
