/// iCalendar (RFC 5545): a record for each VEVENT. Its properties are fields, by their names in capitals; a property's parameters
/// are fields, too ("DTSTART;TZID"). A property that is there several times is an array, as is what is nested in the event (VALARM).
import JSONText
import JobHandler

final class CalendarParser: FileParser {
    static let key = ["UID", "RECURRENCE-ID"]
    /// When the file was written, and nothing of the event.
    static let ignoredFields = ["DTSTAMP"]

    /// Components in each other, of which RFC 5545 needs three.
    private static let maximumDepth = 64

    private let buffer: FileBuffer
    private let file: Int
    private let layouts: LayoutCache
    private var isBegun = false
    /// The line that was read last.
    private var number = 0
    /// What the components around the line in hand are.
    private var components: [String] = []

    init(_ buffer: FileBuffer, file: Int, _ layouts: LayoutCache) {
        self.buffer = buffer
        self.file = file
        self.layouts = layouts
    }

    func read(into batch: inout RecordBatch) throws -> Bool {
        while !batch.isFull {
            guard let place = try toNextEvent() else { return false }
            var event = CalendarComponent()
            do {
                try read("VEVENT", into: &event)
                components.removeLast()
                let object = event.object
                let layout = layouts.layout(object.keys)
                _ = batch.append(object, like: layout, at: place)
            } catch let wrong as Wrong {
                batch.end(.init(code: "INVALID_ICALENDAR", message: wrong.message), at: place)
                if wrong.isEnd { return false }
                try skip()
            }
        }
        return true
    }

    func count() throws -> Int {
        var count = 0
        while try toNextEvent() != nil {
            count += 1
            try skip()
        }
        return count
    }

    // MARK: Events

    private struct Wrong: Error {
        let message: String
        var isEnd = false
    }

    /// Steps into the next event. - Returns: where it begins; nil at the end of the file.
    private func toNextEvent() throws -> Place? {
        while let (line, number) = try nextLine() {
            guard let content = ContentLine(line) else { continue }
            if !isBegun {
                guard content.name == "BEGIN", content.value.uppercased() == "VCALENDAR" else { throw notACalendar() }
                isBegun = true
            }
            switch content.name {
            case "BEGIN":
                components.append(content.value.uppercased())
                if components.last == "VEVENT" { return Place(file: file, number: number) }
            case "END": if components.last == content.value.uppercased() { components.removeLast() }
            default: break
            }
        }
        if !isBegun { throw notACalendar() }
        if !components.isEmpty {
            throw JobFailure(
                "INVALID_ICALENDAR", "\(buffer.path) ends inside a \(components[0]): was it written to its end?",
                details: ["path": .string(buffer.path)])
        }
        return nil
    }

    /// Reads what is in a component, to its end.
    private func read(_ name: String, into component: inout CalendarComponent) throws {
        while let (line, number) = try nextLine() {
            guard line.withUnsafeBufferPointer({ UTF8Check.isValid($0) }) else {
                throw Wrong(message: "line \(number) is not UTF-8")
            }
            guard let content = ContentLine(line) else {
                throw Wrong(message: "line \(number) is no content line of iCalendar: it has no name, or no colon")
            }
            switch content.name {
            case "BEGIN":
                components.append(content.value.uppercased())
                guard components.count <= Self.maximumDepth else {
                    throw Wrong(message: "line \(number) begins a component inside of \(Self.maximumDepth) others")
                }
                var inner = CalendarComponent()
                try read(content.value.uppercased(), into: &inner)
                components.removeLast()
                component.add(content.value.uppercased(), inner)
            case "END":
                let ended = content.value.uppercased()
                guard ended == name else {
                    // What ends is over, and takes nothing that follows with it. Only the calendar stays open: the event may have
                    // swallowed others by now, and that it ends inside fails the job.
                    if let index = components.lastIndex(of: ended), index > 0 { components.removeSubrange(index...) }
                    throw Wrong(message: "line \(number) ends a \(content.value), and a \(name) is open")
                }
                return
            default: component.add(content)
            }
        }
        throw Wrong(message: "the file ends inside a \(name): was it written to its end?", isEnd: true)
    }

    /// Steps out of the event that the line in hand is in.
    private func skip() throws {
        while components.contains("VEVENT"), let (line, _) = try nextLine() {
            guard let content = ContentLine(line) else { continue }
            if content.name == "BEGIN" { components.append(content.value.uppercased()) }
            if content.name == "END", let index = components.lastIndex(of: content.value.uppercased()) {
                components.removeSubrange(index...)
            }
        }
    }

    private func notACalendar() -> JobFailure {
        JobFailure("INVALID_ICALENDAR", "\(buffer.path) is no iCalendar file: it does not begin with BEGIN:VCALENDAR")
    }

    // MARK: Lines

    /// The next content line, unfolded, and the number of its first line; nil at the end.
    private func nextLine() throws -> (line: [UInt8], number: Int)? {
        if number == 0 { try buffer.skipByteOrderMark() }
        while let first = try buffer.nextLine() {
            number += 1
            let begun = number
            var line = Array(first)
            if line.last == 0x0D { line.removeLast() }
            while try buffer.count > 0 || buffer.more(), [0x20, 0x09].contains(buffer.base[buffer.start]),
                let more = try buffer.nextLine()
            {
                number += 1
                line += more.dropFirst()
                if line.last == 0x0D { line.removeLast() }
            }
            if !line.isEmpty { return (line, begun) }
        }
        return nil
    }
}

/// The properties of one component, in the order in which they came.
struct CalendarComponent {
    private var fields: [(name: String, values: [JSON])] = []

    mutating func add(_ line: ContentLine) {
        let index = add(line.name, .string(line.meaning))
        for (name, value) in line.parameters {
            let field = "\(line.name);\(name)"
            // The parameters of several properties of one name stand in the order of their values.
            let missing = fields[index].values.count - 1 - (fields.first { $0.name == field }?.values.count ?? 0)
            for _ in 0..<max(0, missing) { add(field, .null) }
            add(field, .string(value))
        }
    }

    mutating func add(_ name: String, _ component: CalendarComponent) { add(name, .object(component.object)) }

    @discardableResult
    private mutating func add(_ name: String, _ value: JSON) -> Int {
        if let index = fields.firstIndex(where: { $0.name == name }) {
            fields[index].values.append(value)
            return index
        }
        fields.append((name, [value]))
        return fields.count - 1
    }

    var object: JSONObject {
        JSONObject(
            fields.map { field in
                let isList = field.values.count > 1 || field.values.first?.object != nil
                return (field.name, isList ? .array(field.values) : field.values[0])
            })
    }
}
