/// Takes a JSON object apart into the values of a record, without making a value of each: that is what most of the time would go
/// into. Whatever is not plain (an error, an array within, an unusual escape) is left to the general parser, which also says
/// what is wrong.
import JSONText

final class JSONRecordParser {
    private let layouts: LayoutCache
    /// That of the record before.
    private var layout: FieldLayout?

    init(_ layouts: LayoutCache) { self.layouts = layouts }

    /// Appends the record, or a problem.
    func append(_ bytes: UnsafeBufferPointer<UInt8>, at place: Place, to batch: inout RecordBatch) {
        let mark = batch.mark
        if let layout, appendPlain(bytes, like: layout, to: &batch) { return batch.end(layout, at: place) }
        batch.rewind(to: mark)
        appendAny(bytes, at: place, to: &batch)
    }

    private func appendAny(_ bytes: UnsafeBufferPointer<UInt8>, at place: Place, to batch: inout RecordBatch) {
        do throws(JSONSyntaxError) {
            guard case .object(let object) = try JSON(parsing: bytes) else {
                let message = "\(batch.places.name(place)) holds no object"
                return batch.end(.init(code: "NOT_AN_OBJECT", message: message), at: place)
            }
            // The parser has made sure that no name is there twice.
            let layout = layouts.layout(object.keys) ?? FieldLayout(object.keys)
            self.layout = batch.append(object, like: layout, at: place)
        } catch {
            let message = "\(batch.places.name(place)) is no JSON: \(error)"
            batch.end(.init(code: "INVALID_JSON", message: message), at: place)
        }
    }

    /// Appends the values of an object whose members are those of the layout, in its order.
    /// - Returns: false when it is anything else; then something may have been appended.
    private func appendPlain(
        _ bytes: UnsafeBufferPointer<UInt8>, like layout: FieldLayout, to batch: inout RecordBatch
    ) -> Bool {
        var scanner = JSONScanner(bytes)
        guard scanner.take(UInt8(ascii: "{")) else { return false }
        for index in 0..<layout.count {
            if index > 0, !scanner.take(UInt8(ascii: ",")) { return false }
            guard scanner.takeKey(layout.quotedNames[index]), scanner.take(UInt8(ascii: ":")),
                appendValue(&scanner, to: &batch)
            else { return false }
        }
        return scanner.take(UInt8(ascii: "}")) && scanner.isAtEnd
    }

    private func appendValue(_ scanner: inout JSONScanner, to batch: inout RecordBatch) -> Bool {
        switch scanner.peek() {
        case UInt8(ascii: "\""):
            guard let (text, hasEscapes) = scanner.takeString() else { return false }
            if !hasEscapes {
                batch.append(.text, text)
                return true
            }
            return batch.append(escaped: text)
        case UInt8(ascii: "t"):
            batch.append(empty: .true)
            return scanner.takeWord("true")
        case UInt8(ascii: "f"):
            batch.append(empty: .false)
            return scanner.takeWord("false")
        case UInt8(ascii: "n"):
            batch.append(empty: .null)
            return scanner.takeWord("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            guard let number = scanner.takeNumber() else { return false }
            batch.append(.number, number)
            return true
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            guard let nested = scanner.takeNested() else { return false }
            do {
                batch.append(.nested, CanonicalJSON.bytes(of: try JSON(parsing: nested)))
                return true
            } catch {
                return false
            }
        default: return false
        }
    }
}

extension RecordBatch {
    /// Appends a text from a JSON string with escapes.
    /// - Returns: false for one that the general parser has to look at.
    fileprivate mutating func append(escaped text: UnsafeBufferPointer<UInt8>) -> Bool {
        var content: [UInt8] = []
        content.reserveCapacity(text.count)
        var at = 0
        while at < text.count {
            let byte = text[at]
            at += 1
            if byte != UInt8(ascii: "\\") {
                content.append(byte)
                continue
            }
            guard at < text.count else { return false }
            switch text[at] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(text[at])
            case UInt8(ascii: "b"): content.append(0x08)
            case UInt8(ascii: "f"): content.append(0x0C)
            case UInt8(ascii: "n"): content.append(0x0A)
            case UInt8(ascii: "r"): content.append(0x0D)
            case UInt8(ascii: "t"): content.append(0x09)
            case UInt8(ascii: "u"):
                guard at + 4 < text.count, let scalar = Self.scalar(text[(at + 1)...(at + 4)]) else { return false }
                content.append(contentsOf: Character(scalar).utf8)
                at += 4
            default: return false
            }
            at += 1
        }
        append(.text, content)
        return true
    }

    /// nil for what is no number, and for half of a surrogate pair.
    private static func scalar(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> Unicode.Scalar? {
        var value: UInt32 = 0
        for digit in digits {
            switch digit {
            case 0x30...0x39: value = value << 4 | UInt32(digit - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(digit - 0x37)
            case 0x61...0x66: value = value << 4 | UInt32(digit - 0x57)
            default: return nil
            }
        }
        return Unicode.Scalar(value)
    }
}
