/// Some records, and the place that each came from, in a few flat arrays that are used again for the next batch: memory
/// does not grow with the source. A source appends to it, the identifier adds keys and hashes, a target reads it.
import JSONText

struct RecordBatch: Sendable {
    /// A record that cannot be used, but has to be counted: a line that does not parse, a value of the wrong kind.
    struct Problem: Sendable, Equatable {
        var code: String
        var message: String
        var retryable = false
    }

    struct Entry: Sendable {
        /// Which of `layouts`; -1 for a record that could not be taken apart.
        var layout: Int
        /// The first of its cells.
        var first: Int
        var place: Place
        /// Which of the problems; -1 for none.
        var problem = -1
        /// Its key in `bytes`, once it is identified.
        var key = 0..<0
        /// Not to be looked at: before the bookmark, or not among those to be retried.
        var isPassedOver = false
    }

    /// Records at the most.
    let limit: Int
    /// Bytes after which the batch counts as full, however few its records are.
    static let maximumBytes = 4 << 20

    /// How the source names places; set by the source.
    var places = PlaceNames()

    private(set) var bytes: [UInt8] = []
    private(set) var cells: [Cell] = []
    private(set) var layouts: [FieldLayout] = []
    private(set) var entries: [Entry] = []
    private var problems: [Problem] = []
    /// The hashes, `SHA256.size` bytes for each record, once they are identified.
    var hashes: [UInt8] = []
    /// The cursors of the records, where the sync goes by them; else empty.
    var cursors: [Cursor?] = []
    /// Whether all records come in the order of their cursors.
    var isOrderedByCursor = false
    /// What a later job may go on from once so many records of this batch, and all before it, are in the target: the states of a
    /// Singer source, in their order.
    private(set) var bookmarks: [(records: Int, value: JSON)] = []
    /// Where a later attempt of this job could go on once this batch is in the target.
    var position: JSON?
    /// How far the source was read, in bytes.
    var read: (done: Int64, total: Int64)?
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
        hashes.removeAll(keepingCapacity: true)
        cursors.removeAll(keepingCapacity: true)
        problems.removeAll()
        bookmarks.removeAll()
        begun = 0
    }
}

// MARK: - Reading

extension RecordBatch {
    /// - Precondition: the record could be taken apart.
    func layout(_ record: Int) -> FieldLayout { layouts[entries[record].layout] }

    /// Where the record's cells are, one for each name of its layout.
    func cellRange(_ record: Int) -> Range<Int> {
        let first = entries[record].first
        return first..<first + layout(record).count
    }

    func problem(_ record: Int) -> Problem? {
        entries[record].problem < 0 ? nil : problems[entries[record].problem]
    }

    /// The place as messages name it.
    func place(_ record: Int) -> String { places.name(entries[record].place) }

    func key(_ record: Int) -> String { String(decoding: bytes[entries[record].key], as: UTF8.self) }

    func hash(_ record: Int) -> ArraySlice<UInt8> { hashes[record * SHA256.size..<(record + 1) * SHA256.size] }

    func text(_ cell: Cell) -> String { String(decoding: bytes[cell.range], as: UTF8.self) }

    /// The record as a JSON object, in the order of its fields. - Precondition: it could be taken apart.
    func object(_ record: Int) throws -> JSONObject {
        JSONObject(try zip(layout(record).names, cellRange(record)).map { ($0, try json(cells[$1])) })
    }

    func json(_ cell: Cell) throws -> JSON {
        switch cell.kind {
        case .null: .null
        case .false: false
        case .true: true
        case .text: .string(text(cell))
        case .blob: .string(Base64.encode(bytes[cell.range]))
        case .number, .nested: try JSON(parsing: Array(bytes[cell.range]))
        }
    }
}

// MARK: - Appending: the values of a record in the order of its layout, then `end`

extension RecordBatch {
    mutating func append(_ kind: Cell.Kind, _ content: some Collection<UInt8>) {
        let start = bytes.count
        bytes.append(contentsOf: content)
        cells.append(Cell(kind: kind, start: start, length: bytes.count - start))
    }

    /// A value whose bytes were appended already.
    mutating func append(_ kind: Cell.Kind, at start: Int, length: Int) {
        cells.append(Cell(kind: kind, start: start, length: length))
    }

    /// A value that is its kind: null, true or false.
    mutating func append(empty kind: Cell.Kind) { cells.append(Cell(kind: kind, start: bytes.count, length: 0)) }

    /// How far the record in hand is appended.
    var mark: (bytes: Int, cells: Int) { (bytes.count, cells.count) }

    /// Forgets what was appended since.
    mutating func rewind(to mark: (bytes: Int, cells: Int)) {
        bytes.removeSubrange(mark.bytes...)
        cells.removeSubrange(mark.cells...)
    }

    /// Ends the record whose values were appended.
    mutating func end(_ layout: FieldLayout, at place: Place) {
        precondition(cells.count - begun == layout.count, "a value for each name")
        if layouts.last !== layout { layouts.append(layout) }
        entries.append(Entry(layout: layouts.count - 1, first: begun, place: place))
        begun = cells.count
    }

    /// Ends a record that cannot be used; values appended for it so far are forgotten.
    mutating func end(_ problem: Problem, at place: Place) {
        cells.removeSubrange(begun...)
        entries.append(Entry(layout: -1, first: cells.count, place: place, problem: problems.count))
        problems.append(problem)
    }

    /// Notes that a later job may go on from here.
    mutating func append(bookmark: JSON) {
        // Only the last one between two records matters.
        if bookmarks.last?.records == count { bookmarks.removeLast() }
        bookmarks.append((count, bookmark))
    }

    /// Appends a whole record.
    /// - Parameter layout: that of an earlier record, to be used again when the names are the same.
    /// - Returns: the layout that was used.
    mutating func append(_ object: JSONObject, like layout: FieldLayout?, at place: Place) -> FieldLayout {
        for (_, value) in object.members { append(value) }
        let used = layout.flatMap { $0.has(object) ? $0 : nil } ?? FieldLayout(object.keys)
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

// MARK: - Identifying

extension RecordBatch {
    /// Appends bytes that belong to no cell, or to one that is appended later.
    /// - Returns: where they are.
    mutating func append(bytes more: some Collection<UInt8>) -> Range<Int> {
        bytes.append(contentsOf: more)
        return bytes.count - more.count..<bytes.count
    }

    /// The batch as it lies in memory: bytes, cells, entries, and the hashes to be written.
    mutating func withUnsafeParts(
        _ body: (
            UnsafePointer<UInt8>, UnsafeBufferPointer<Cell>, UnsafeBufferPointer<Entry>, UnsafeMutableRawPointer
        ) -> Void
    ) {
        hashes.withUnsafeMutableBytes { hashes in
            bytes.withUnsafeBufferPointer { bytes in
                cells.withUnsafeBufferPointer { cells in
                    entries.withUnsafeBufferPointer { entries in
                        guard let hashes = hashes.baseAddress else { return }
                        // Records without a single byte have no address, and nobody reads from this one.
                        body(bytes.baseAddress ?? UnsafePointer(bitPattern: 1)!, cells, entries, hashes)
                    }
                }
            }
        }
    }

    mutating func setKey(_ record: Int, _ range: Range<Int>) { entries[record].key = range }

    /// The record turns out to be of no use.
    mutating func setProblem(_ record: Int, _ problem: Problem) {
        entries[record].problem = problems.count
        problems.append(problem)
    }

    mutating func passOver(_ record: Int) { entries[record].isPassedOver = true }

    /// Appends a record that is identified already.
    /// - Parameters:
    ///   - cells: their places counted from the beginning of `content`, as is the key's.
    mutating func append(
        identified layout: FieldLayout, _ cells: [Cell], _ content: ArraySlice<UInt8>, key: Range<Int>,
        hash: ArraySlice<UInt8>, at place: Place
    ) {
        let offset = bytes.count
        bytes.append(contentsOf: content)
        for cell in cells {
            self.cells.append(Cell(kind: cell.kind, start: cell.start + offset, length: cell.length))
        }
        end(layout, at: place)
        entries[entries.count - 1].key = key.lowerBound + offset..<key.upperBound + offset
        hashes.append(contentsOf: hash)
    }
}

extension FieldLayout {
    fileprivate func has(_ object: JSONObject) -> Bool {
        count == object.count && zip(names, object.members).allSatisfy { $0.utf8.elementsEqual($1.key.utf8) }
    }
}
