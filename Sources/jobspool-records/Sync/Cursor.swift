/// A value of the cursor field, by which an incremental sync knows what is new: a number, a time, or a text. Numbers and
/// times are also known when they are written as text, as they are in CSV.
import JSONText

struct Cursor: Sendable, Equatable {
    enum Meaning: Equatable {
        case integer(Int64)
        case decimal(Double)
        case time(CivilTime)
        case text(String)
    }

    /// As it was written.
    let json: JSON
    let meaning: Meaning

    /// nil for a value that has no order: null, true, an object, a number beyond all numbers (1e999); and for an empty text.
    init?(_ json: JSON) {
        let text: String
        switch json {
        case .number(let number): text = number.text
        case .string(let string): text = string
        case .null, .bool, .array, .object: return nil
        }
        guard !text.isEmpty else { return nil }
        self.json = json
        if let integer = Int64(text) {
            meaning = .integer(integer)
        } else if let first = text.utf8.first, first == 0x2D || (0x30...0x39).contains(first),
            let number = Double(text), number.isFinite
        {
            meaning = .decimal(number)
        } else if json.string == nil {
            return nil
        } else if let time = CivilTime(text) {
            meaning = .time(time)
        } else {
            meaning = .text(text)
        }
    }

    /// Whether this comes before the other; false, too, when they are of different kinds and cannot be compared.
    func isBefore(_ other: Cursor) -> Bool {
        switch (meaning, other.meaning) {
        case (.integer(let a), .integer(let b)): a < b
        case (.integer(let a), .decimal(let b)): Double(a) < b
        case (.decimal(let a), .integer(let b)): a < Double(b)
        case (.decimal(let a), .decimal(let b)): a < b
        case (.time(let a), .time(let b)): a < b
        case (.text(let a), .text(let b)): a.utf8.lexicographicallyPrecedes(b.utf8)
        case (.integer, _), (.decimal, _), (.time, _), (.text, _): false
        }
    }

    /// Whether they are of one kind.
    func isComparable(to other: Cursor) -> Bool {
        switch (meaning, other.meaning) {
        case (.integer, .integer), (.integer, .decimal), (.decimal, .integer), (.decimal, .decimal), (.time, .time),
            (.text, .text):
            true
        case (.integer, _), (.decimal, _), (.time, _), (.text, _): false
        }
    }

    /// Numbers from here on are taken for milliseconds, smaller ones for seconds: in seconds this is the year 5138.
    private static let milliseconds: Int64 = 100_000_000_000

    /// The cursor earlier by some seconds, written in the same form; nil for a text that is no time.
    func earlier(by seconds: Int) -> Cursor? {
        switch meaning {
        case .integer(let value):
            let difference = Int64(seconds) * (value >= Self.milliseconds ? 1000 : 1)
            let (earlier, isBeyond) = value.subtractingReportingOverflow(difference)
            return like(JSONNumber(isBeyond ? .min : earlier))
        case .decimal(let value):
            return like(JSONNumber(value - Double(seconds) * (value >= Double(Self.milliseconds) ? 1000 : 1)))
        case .time(let time): return Cursor(.string(time.earlier(by: seconds).text))
        case .text: return nil
        }
    }

    private func like(_ number: JSONNumber) -> Cursor? {
        Cursor(json.string == nil ? .number(number) : .string(number.text))
    }
}
