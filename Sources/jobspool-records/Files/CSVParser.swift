/// CSV (RFC 4180): a header row, values that may be quoted and then hold delimiters, line breaks and doubled quotes; lines end in
/// LF or CRLF. Every value is text. Empty lines count for nothing. A row that is no good is a problem of its line, and the next
/// row is read as if nothing had happened.
import Glibc
import JobHandler

final class CSVParser: FileParser {
    private static let quote = UInt8(ascii: "\"")
    private static let lineFeed: UInt8 = 0x0A
    private static let carriageReturn: UInt8 = 0x0D

    private let buffer: FileBuffer
    private let file: Int
    private let delimiter: UInt8
    private let fields: [String]?
    private let layouts: LayoutCache
    private var layout: FieldLayout?
    private var isBegun = false
    /// The line that the next row begins on.
    private var line = 1
    private var row = Row()

    /// A row's values, as places in the buffer, counted from the row's beginning.
    private struct Row {
        struct Value {
            var start: Int
            var length: Int
            var hasDoubledQuotes: Bool
        }

        var values: [Value] = []
        /// Its bytes, with the line break.
        var length = 0
        var lines = 0
        var problem: RecordBatch.Problem?
        var isAscii = true
    }

    init(_ buffer: FileBuffer, file: Int, delimiter: UInt8, fields: [String]?, _ layouts: LayoutCache) {
        self.buffer = buffer
        self.file = file
        self.delimiter = delimiter
        self.fields = fields
        self.layouts = layouts
    }

    func read(into batch: inout RecordBatch) throws -> Bool {
        if !isBegun { try begin() }
        while !batch.isFull {
            guard try scanRow() else { return false }
            if row.values.count > 0 || row.problem != nil { append(to: &batch) }
            advance()
        }
        return true
    }

    private func advance() {
        buffer.start += row.length
        line += row.lines
    }

    // MARK: The header

    private func begin() throws {
        isBegun = true
        try buffer.skipByteOrderMark()
        if let fields { return try setLayout(fields) }
        repeat {
            guard try scanRow() else { return }
            if row.values.isEmpty { advance() }
        } while row.values.isEmpty
        if let problem = row.problem { throw invalidHeader(problem.message) }
        try checkHeader()
        var names = row.values.map { String(decoding: bytes($0), as: UTF8.self) }
        // A column without a name, as spreadsheets make them.
        for index in names.indices where names[index].isEmpty { names[index] = "column_\(index + 1)" }
        try setLayout(names)
        advance()
    }

    /// What would be told of a row must not be a part of names.
    private func checkHeader() throws {
        let start = buffer.base + buffer.start
        if !row.isAscii, !UTF8Check.isValid(UnsafeBufferPointer(start: start, count: row.length)) {
            throw JobFailure("NOT_UTF8", "the header row of \(buffer.path) is not UTF-8: \(Self.conversion)")
        }
        let isCut = row.values.contains { value in
            let isQuoted = value.start > 0 && start[value.start - 1] == Self.quote
            return !isQuoted && (value.start..<value.start + value.length).contains { start[$0] == Self.carriageReturn }
        }
        if isCut {
            throw invalidHeader(
                "a name has a carriage return. If the lines end in nothing else, convert the file, for example with tr '\\r' '\\n'"
            )
        }
    }

    private static let conversion = "convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8"

    private func setLayout(_ names: [String]) throws {
        guard let layout = layouts.layout(names) else {
            let twice = names.first { name in names.count { $0 == name } > 1 } ?? ""
            throw invalidHeader("the column `\(twice)` is there twice")
        }
        self.layout = layout
    }

    private func invalidHeader(_ message: String) -> JobFailure {
        JobFailure("INVALID_HEADER", "the header row of \(buffer.path) cannot be used: \(message)")
    }

    // MARK: Rows

    private func append(to batch: inout RecordBatch) {
        let place = Place(file: file, number: line)
        if let problem = row.problem { return batch.end(problem, at: place) }
        guard let layout, row.values.count == layout.count else {
            let problem = RecordBatch.Problem(
                code: "WRONG_FIELD_COUNT",
                message: "line \(line) has \(row.values.count) values, and the header row has \(layout?.count ?? 0)")
            return batch.end(problem, at: place)
        }
        let bytes = UnsafeBufferPointer(start: buffer.base + buffer.start, count: row.length)
        if !row.isAscii, !UTF8Check.isValid(bytes) {
            let message = "line \(line) is not UTF-8: \(Self.conversion)"
            return batch.end(.init(code: "NOT_UTF8", message: message), at: place)
        }
        let start = batch.append(bytes: bytes).lowerBound
        for value in row.values {
            if value.hasDoubledQuotes {
                batch.append(.text, self.bytes(value))
            } else {
                batch.append(.text, at: start + value.start, length: value.length)
            }
        }
        batch.end(layout, at: place)
    }

    /// A value's bytes with doubled quotes made single.
    private func bytes(_ value: Row.Value) -> [UInt8] {
        let bytes = UnsafeBufferPointer(start: buffer.base + buffer.start + value.start, count: value.length)
        guard value.hasDoubledQuotes else { return Array(bytes) }
        var result: [UInt8] = []
        var isSecond = false
        for byte in bytes {
            isSecond = byte == Self.quote && !isSecond
            if !isSecond { result.append(byte) }
        }
        return result
    }

    /// Finds the values of the row that begins at the buffer's start. A row without values is an empty line.
    /// - Returns: false at the end of the file.
    private func scanRow() throws -> Bool {
        while true {
            if buffer.count > 0, scan(isLast: buffer.isAtEnd) { return true }
            if try !buffer.more() {
                if buffer.count == 0 { return false }
                _ = scan(isLast: true)
                return true
            }
        }
    }

    /// - Parameter isLast: whether the file ends where the buffer does.
    /// - Returns: false when the row is not complete.
    private func scan(isLast: Bool) -> Bool {
        let (base, count) = (buffer.base + buffer.start, buffer.count)
        let delimiter = delimiter
        // Here most of the time goes by: the row is worked on where nobody else can see it.
        var row = Row()
        swap(&row, &self.row)
        row.values.removeAll(keepingCapacity: true)
        row.problem = nil
        row.lines = 1
        var (at, high): (Int, UInt8) = (0, 0)
        defer {
            row.isAscii = high < 0x80
            swap(&row, &self.row)
        }
        while true {
            let start = at
            if at < count, base[at] == Self.quote {
                switch scanQuoted(base, count, &at, &high, &row) {
                case .closed(let hasDoubledQuotes):
                    row.values.append(
                        .init(start: start + 1, length: at - start - 2, hasDoubledQuotes: hasDoubledQuotes))
                case .open:
                    guard isLast else { return false }
                    row.problem = .init(
                        code: "INVALID_CSV", message: "line \(line) has a quote that is never closed")
                    row.length = count
                    return true
                }
                if at < count, base[at] != delimiter, base[at] != Self.lineFeed,
                    !(base[at] == Self.carriageReturn && (at + 1 == count || base[at + 1] == Self.lineFeed))
                {
                    row.problem = .init(
                        code: "INVALID_CSV",
                        message:
                            "line \(line) has text between a closing quote and the delimiter: double quotes inside a value"
                    )
                    while at < count, base[at] != delimiter, base[at] != Self.lineFeed { at += 1 }
                }
                if at + 1 == count, base[at] == Self.carriageReturn, !isLast { return false }
                if at < count, base[at] == Self.carriageReturn { at += 1 }
            } else {
                while at < count, base[at] != delimiter, base[at] != Self.lineFeed {
                    high |= base[at]
                    at += 1
                }
                var end = at
                if end > start, at == count || base[at] == Self.lineFeed, base[end - 1] == Self.carriageReturn {
                    end -= 1
                }
                // An empty line has no values, not one that is empty.
                if end > start || !row.values.isEmpty || at < count && base[at] == delimiter {
                    row.values.append(.init(start: start, length: end - start, hasDoubledQuotes: false))
                }
            }
            if at == count {
                row.length = count
                return isLast
            }
            at += 1
            if base[at - 1] == Self.lineFeed {
                row.length = at
                return true
            }
        }
    }

    private enum Quoted {
        case closed(hasDoubledQuotes: Bool)
        case open
    }

    /// Steps from the opening quote to behind the closing one.
    private func scanQuoted(
        _ base: UnsafeMutablePointer<UInt8>, _ count: Int, _ at: inout Int, _ high: inout UInt8, _ row: inout Row
    ) -> Quoted {
        var hasDoubledQuotes = false
        at += 1
        while at < count {
            let byte = base[at]
            at += 1
            if byte == Self.quote {
                guard at < count, base[at] == Self.quote else {
                    // At the end of the buffer another quote may follow.
                    return at < count || buffer.isAtEnd ? .closed(hasDoubledQuotes: hasDoubledQuotes) : .open
                }
                hasDoubledQuotes = true
                at += 1
            } else {
                if byte == Self.lineFeed { row.lines += 1 }
                high |= byte
            }
        }
        return .open
    }

    // MARK: Counting

    func count() throws -> Int {
        try begin()
        var count = 0
        while try scanRow() {
            if row.values.count > 0 || row.problem != nil { count += 1 }
            advance()
        }
        return count
    }
}
