/// One content line of iCalendar (RFC 5545, section 3.1), unfolded: a name, parameters and a value.
struct ContentLine: Equatable {
    /// In capitals.
    let name: String
    /// Names in capitals, values as they are meant: without quotes, and with the escapes of RFC 6868 resolved.
    let parameters: [(name: String, value: String)]
    /// As it is written.
    let value: String

    static func == (a: ContentLine, b: ContentLine) -> Bool {
        a.name == b.name && a.value == b.value && a.parameters.elementsEqual(b.parameters, by: ==)
    }

    /// nil for a line that is none.
    init?(_ line: some Collection<UInt8>) {
        var rest = Array(line)[...]
        func take(until stops: [UInt8]) -> ArraySlice<UInt8> {
            let taken = rest.prefix { !stops.contains($0) }
            rest = rest[taken.endIndex...]
            return taken
        }
        let name = take(until: Array(":;".utf8))
        guard !name.isEmpty, name.allSatisfy({ Self.isNameByte($0) }) else { return nil }
        self.name = String(decoding: name, as: UTF8.self).uppercased()
        var parameters: [(name: String, value: String)] = []
        while rest.first == UInt8(ascii: ";") {
            rest.removeFirst()
            let name = take(until: Array("=:;".utf8))
            guard rest.first == UInt8(ascii: "="), !name.isEmpty else { return nil }
            rest.removeFirst()
            var value: [UInt8] = []
            while let byte = rest.first, byte != UInt8(ascii: ":"), byte != UInt8(ascii: ";") {
                if byte == UInt8(ascii: "\"") {
                    rest.removeFirst()
                    value += take(until: [UInt8(ascii: "\"")])
                    guard !rest.isEmpty else { return nil }
                    rest.removeFirst()
                } else {
                    value.append(byte)
                    rest.removeFirst()
                }
            }
            parameters.append(
                (String(decoding: name, as: UTF8.self).uppercased(), Self.unescapedParameter(value)))
        }
        guard rest.first == UInt8(ascii: ":") else { return nil }
        self.parameters = parameters
        value = String(decoding: rest.dropFirst(), as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x30...0x39,
            UInt8(ascii: "-"),
            UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// RFC 6868: ^n is a line break, ^^ is ^, ^' is a quote.
    private static func unescapedParameter(_ bytes: [UInt8]) -> String {
        guard bytes.contains(UInt8(ascii: "^")) else { return String(decoding: bytes, as: UTF8.self) }
        var result: [UInt8] = []
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            let next = byte == UInt8(ascii: "^") ? rest.first : nil
            switch next {
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "^"): result.append(UInt8(ascii: "^"))
            case UInt8(ascii: "'"): result.append(UInt8(ascii: "\""))
            default:
                result.append(byte)
                continue
            }
            rest.removeFirst()
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Properties whose values are no texts, so that a backslash in them is one.
    private static let others: Set<String> = [
        "ATTACH", "ATTENDEE", "CREATED", "DTEND", "DTSTAMP", "DTSTART", "DURATION", "EXDATE", "EXRULE", "GEO",
        "LAST-MODIFIED",
        "ORGANIZER", "PRIORITY", "RDATE", "RECURRENCE-ID", "RRULE", "SEQUENCE", "TRIGGER", "URL",
    ]

    /// The value as it is meant: of a text (section 3.3.11) without its escapes.
    var meaning: String {
        let type = parameters.first { $0.name == "VALUE" }?.value.uppercased()
        guard type.map({ $0 == "TEXT" }) ?? !Self.others.contains(name), value.utf8.contains(UInt8(ascii: "\\")) else {
            return value
        }
        var result: [UInt8] = []
        var rest = Array(value.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let next = rest.popFirst() else {
                result.append(byte)
                continue
            }
            result.append(next == UInt8(ascii: "n") || next == UInt8(ascii: "N") ? 0x0A : next)
        }
        return String(decoding: result, as: UTF8.self)
    }
}
