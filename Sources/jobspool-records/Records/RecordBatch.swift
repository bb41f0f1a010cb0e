/// Some records, and the place that each came from, in three flat arrays that are used again for the next batch: memory
/// does not grow with the source. A source appends to it; the engine and the target read it.
import JSONText

struct RecordBatch: Sendable {
    /// A record that cannot be used, but has to be counted: a line that does not parse, a value of the wrong kind.
    struct Problem: Sendable, Equatable {
        var code: String
        var message: String
        var retryable = false
    }

    private struct Entry {
        /// Which of `layouts`; -1 for a problem.
        var layout: Int
        /// The first of its cells, or which of `problems`.
        var first: Int
        var place: Place
    }

    /// Records at the most.
    let limit: Int
    /// Bytes after which the batch counts as full, however few its records are.
    static let maximumBytes = 4 << 20

    private(set) var bytes: [UInt8] = []
    private(set) var cells: [Cell] = []
    private(set) var layouts: [FieldLayout] = []
    private var entries: [Entry] = []
    private var problems: [Problem] = []
    /// The first cell of the record that is being appended.
    private var begun = 0

    init(limit: Int) { self.limit = limit }

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    var isFull: Bool { entries.count >= limit || bytes.count >= Self.maximumBytes }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        cells.removeAll(keepingCapacity: true)
        layouts.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
        problems.removeAll()
        begun = 0
    }

    // MARK: Reading

    func place(_ record: Int) -> Place { entries[record].place }
    func problem(_ record: Int) -> Problem? {
        entries[record].layout < 0 ? problems[entries[record].first] : nil
    }
    /// - Precondition: the record is no problem.
    func layout(_ record: Int) -> FieldLayout { layouts[entries[record].layout] }
    func layoutNumber(_ record: Int) -> Int { entries[record].layout }
    /// The record's cells, one for each name of its layout.
    func cells(_ record: Int) -> ArraySlice<Cell> {
        let first = entries[record].first
        return cells[first..<first + layout(record).names.count]
    }
    func text(_ cell: Cell) -> String { String(decoding: bytes[cell.range], as: UTF8.self) }

    // MARK: Appending: the values of a record in the order of its layout, then `end`

    mutating func append(_ kind: Cell.Kind, _ content: some Collection<UInt8>) {
        let start = bytes.count
        bytes.append(contentsOf: content)
        cells.append(Cell(kind: kind, start: start, length: bytes.count - start))
    }

    mutating func append(empty kind: Cell.Kind) { cells.append(Cell(kind: kind, start: bytes.count, length: 0)) }

    /// Ends the record whose values were appended.
    mutating func end(_ layout: FieldLayout, at place: Place) {
        precondition(cells.count - begun == layout.names.count, "a value for each name")
        if layouts.last !== layout { layouts.append(layout) }
        entries.append(Entry(layout: layouts.count - 1, first: begun, place: place))
        begun = cells.count
    }

    /// A record that cannot be used; values appended for it so far are forgotten.
    mutating func end(_ problem: Problem, at place: Place) {
        cells.removeSubrange(begun...)
        entries.append(Entry(layout: -1, first: problems.count, place: place))
        problems.append(problem)
    }

    /// Appends a whole record. `layout` is the one to use again when the names are its names; what was used is returned.
    mutating func append(_ object: JSONObject, like layout: FieldLayout?, at place: Place) -> FieldLayout {
        for (_, value) in object.members { append(value) }
        let names = object.keys
        let used = layout.flatMap { $0.has(names) ? $0 : nil } ?? FieldLayout(names)
        end(used, at: place)
        return used
    }

    private mutating func append(_ value: JSON) {
        switch value {
        case .null: append(empty: .null)
        case .bool(let value): append(empty: value ? .true : .false)
        case .number(let number): append(.number, number.text.utf8)
        case .string(let text): append(.text, text.utf8)
        case .array, .object: append(.nested, CanonicalJSON.bytes(of: value))
        }
    }
}

extension FieldLayout {
    fileprivate func has(_ names: [String]) -> Bool {
        self.names.count == names.count && zip(self.names, names).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
    }
}
