/// JSON: an array of objects, which is the file or somewhere in it. One element at a time is in memory. An element that is no good is
/// a problem of its line; where the array itself is broken, nothing can be said of what follows, and the job fails.
import Glibc
import JSONText
import JobHandler

final class JSONArrayParser: FileParser {
    private enum State { case before, first, later, after }

    private let buffer: FileBuffer
    private let file: Int
    private let array: [String]
    private let parser: JSONRecordParser
    private var state = State.before
    private var line = 1

    /// - Parameter array: the keys that lead to the array.
    init(_ buffer: FileBuffer, file: Int, array: [String], _ layouts: LayoutCache) {
        self.buffer = buffer
        self.file = file
        self.array = array
        parser = JSONRecordParser(layouts)
    }

    func read(into batch: inout RecordBatch) throws -> Bool {
        while !batch.isFull {
            guard try toNextElement() else { return false }
            let length = try elementLength()
            parser.append(bytes(length), at: Place(file: file, number: line), to: &batch)
            advance(length)
        }
        return true
    }

    func count() throws -> Int {
        var count = 0
        while try toNextElement() {
            advance(try elementLength())
            count += 1
        }
        return count
    }

    // MARK: From element to element

    /// - Returns: false when there is none.
    private func toNextElement() throws -> Bool {
        if state == .before { try begin() }
        switch (state, try peek()) {
        case (.after, _): return false
        case (_, UInt8(ascii: "]")):
            advance(1)
            state = .after
            if array.isEmpty, try peek() != 0 { throw failure("more text follows the array") }
            return false
        case (.later, UInt8(ascii: ",")):
            advance(1)
            if try peek() == UInt8(ascii: "]") { throw failure("a comma without an element behind it") }
            return true
        case (.later, 0): throw failure("the file ends inside the array: was it written to its end?")
        case (.later, _): throw failure("there is no comma between two elements")
        case (.first, 0): throw failure("the file ends inside the array: was it written to its end?")
        case (.before, _), (.first, _):
            state = .later
            return true
        }
    }

    /// Goes into the array.
    private func begin() throws {
        try buffer.skipByteOrderMark()
        for (depth, key) in array.enumerated() { try enter(key, array[...depth].joined(separator: ".")) }
        guard try peek() == UInt8(ascii: "[") else {
            let remedy = array.isEmpty ? ": if an object holds it, `array` gives the key" : ""
            throw failure("\(array.isEmpty ? "the file" : "`\(array.joined(separator: "."))`") is no array\(remedy)")
        }
        advance(1)
        state = .first
    }

    /// Steps to the value of a member of the object that comes next.
    private func enter(_ key: String, _ path: String) throws {
        guard try peek() == UInt8(ascii: "{") else { throw failure("there is no object that could have `\(path)`") }
        advance(1)
        while try peek() == UInt8(ascii: "\"") {
            let length = try elementLength()
            var scanner = JSONScanner(bytes(length))
            let isIt = scanner.takeKey(FieldLayout([key]).quotedNames[0])
            advance(length)
            guard try peek() == UInt8(ascii: ":") else { throw failure("there is no colon behind a key") }
            advance(1)
            _ = try peek()
            if isIt { return }
            try skipValue()
            if try peek() == UInt8(ascii: ",") { advance(1) } else { break }
            _ = try peek()
        }
        throw failure("there is no `\(path)`, which `array` names")
    }

    // MARK: Bytes

    private func bytes(_ length: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: buffer.base + buffer.start, count: length)
    }

    private func advance(_ length: Int) {
        for byte in bytes(length) where byte == 0x0A { line += 1 }
        buffer.start += length
    }

    /// The next byte that is no space; 0 at the end.
    private func peek() throws -> UInt8 {
        while true {
            while buffer.count > 0 {
                let byte = buffer.base[buffer.start]
                guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
                advance(1)
            }
            guard try buffer.more() else { return 0 }
        }
    }

    /// How long the value is that begins here. All of it is in memory then.
    private func elementLength() throws -> Int {
        var scan = ValueScan()
        while true {
            if let length = scan.end(in: buffer.base + buffer.start, buffer.count) { return length }
            if try !buffer.more() {
                guard scan.isScalar else { throw failure("the file ends inside a value: was it written to its end?") }
                return buffer.count
            }
        }
    }

    /// Steps over a value, of which only a part is in memory at a time.
    private func skipValue() throws {
        var scan = ValueScan()
        while true {
            if let length = scan.end(in: buffer.base + buffer.start, buffer.count) { return advance(length) }
            advance(buffer.count)
            scan.restart()
            if try !buffer.more() { throw failure("the file ends inside a value: was it written to its end?") }
        }
    }

    private func failure(_ problem: String) -> JobFailure {
        JobFailure(
            "INVALID_JSON", "\(buffer.path), line \(line): \(problem)",
            details: ["path": .string(buffer.path), "line": JSON(line)])
    }
}

/// Finds the end of a JSON value by its brackets and quotes, also over several pieces.
private struct ValueScan {
    private var at = 0
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// A number or a word, which ends where something else begins.
    private(set) var isScalar = false

    /// The next piece begins with its first byte.
    mutating func restart() { at = 0 }

    /// - Returns: the number of bytes up to the end; nil when it is not among these.
    mutating func end(in base: UnsafePointer<UInt8>, _ count: Int) -> Int? {
        while at < count {
            let byte = base[at]
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                    if depth == 0 { return at + 1 }
                }
                at += 1
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                // The bracket around a number.
                if depth == 0 { return at }
                depth -= 1
                if depth == 0 { return at + 1 }
            case UInt8(ascii: ","), 0x20, 0x0A, 0x0D, 0x09: if depth == 0 { return at }
            default: if depth == 0 { isScalar = true }
            }
            at += 1
        }
        return nil
    }
}
