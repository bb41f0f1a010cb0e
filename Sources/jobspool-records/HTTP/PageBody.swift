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
    /// Of each record.
    let records: [Range<Int>]
    /// The body with an empty array in place of the records.
    let envelope: JSON
    /// Of the records.
    let hash: [UInt8]

    /// - Parameter array: the keys that lead to the records; empty when the body is the array.
    init(_ bytes: [UInt8], array: [String]) throws(Broken) {
        self.bytes = bytes
        let found = try bytes.withUnsafeBufferPointer { buffer throws(Broken) in
            try Self.find(array, in: buffer)
        }
        records = found.elements
        do throws(JSONSyntaxError) {
            // What is left of the body is small, and is looked at strictly.
            let rest = Array(bytes[..<found.range.lowerBound]) + Array("[]".utf8) + bytes[found.range.upperBound...]
            envelope = try JSON(parsing: rest)
        } catch {
            throw error.isTruncated ? .truncated : .invalid("\(error)")
        }
        hash = SHA256.hash(Array(bytes[found.range]))
    }

    /// Appends a record to the batch.
    func append(_ record: Int, at place: Place, to batch: inout RecordBatch, _ parser: JSONRecordParser) {
        bytes.withUnsafeBufferPointer { buffer in
            parser.append(UnsafeBufferPointer(rebasing: buffer[records[record]]), at: place, to: &batch)
        }
    }

    // MARK: Finding the records

    private static func find(
        _ path: [String], in buffer: UnsafeBufferPointer<UInt8>
    ) throws(Broken) -> (range: Range<Int>, elements: [Range<Int>]) {
        var scanner = JSONScanner(buffer)
        for (depth, key) in path.enumerated() {
            try enter(key, path[...depth].joined(separator: "."), &scanner, buffer)
        }
        let start = (scanner.peek(), scanner.at).1
        // Some servers write null for an array without elements.
        if scanner.peek() == UInt8(ascii: "n"), !path.isEmpty, scanner.takeWord("null") {
            return (start..<scanner.at, [])
        }
        guard scanner.take(UInt8(ascii: "[")) else {
            if scanner.isAtEnd { throw .truncated }
            try checkSyntax(buffer)
            let remedy = path.isEmpty ? ": `array` gives the keys that lead to the records" : ""
            throw .noRecords("\(path.isEmpty ? "the body" : "`\(path.joined(separator: "."))`") is no array\(remedy)")
        }
        var elements: [Range<Int>] = []
        if scanner.take(UInt8(ascii: "]")) { return (start..<scanner.at, []) }
        while true {
            elements.append(try value(&scanner, buffer))
            if scanner.take(UInt8(ascii: "]")) { return (start..<scanner.at, elements) }
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
        guard isTaken else { throw broken(scanner, buffer) }
        return start..<scanner.at
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
