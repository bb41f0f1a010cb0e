/// Works out what a record is known by: its key, and the hash of its canonical JSON.
///
/// A key of one field is that field's value as text; a key of several is the JSON array of their values, of which some may be
/// null, but not all. The hash regards the fields of `compare_fields`, or all but those of `ignore_fields`.
import JSONText

final class RecordIdentifier {
    /// What depends on the names of a record's fields alone.
    private struct Plan {
        let layout: FieldLayout
        /// Where the key's fields stand.
        let key: [Int?]
        /// The fields that are hashed, sorted: where each stands, and what the canonical form writes before its value.
        let hashed: [(cell: Int, name: [UInt8])]
    }

    private let key: [String]
    private let isHashed: @Sendable (String) -> Bool
    private var plans: [ObjectIdentifier: Plan] = [:]
    private var canonical = ByteBuffer()

    init(key: [String], compareFields: [String]?, ignoreFields: [String]) {
        self.key = key
        isHashed = { name in compareFields?.containsBytes(of: name) ?? !ignoreFields.containsBytes(of: name) }
    }

    func identify(_ batch: inout RecordBatch) {
        let plans = batch.layouts.map { plan(for: $0) }
        for record in 0..<batch.count where batch.entries[record].layout >= 0 {
            setKey(of: record, plans[batch.entries[record].layout], &batch)
        }
        var hashes = [UInt8](repeating: 0, count: batch.count * SHA256.size)
        swap(&hashes, &batch.hashes)
        batch.withUnsafeParts { bytes, cells, entries, hashes in
            for (record, entry) in entries.enumerated() where entry.problem < 0 {
                write(plans[entry.layout], cells.baseAddress! + entry.first, bytes)
                SHA256.hash(canonical.bytes, into: hashes + record * SHA256.size)
            }
        }
    }

    private func plan(for layout: FieldLayout) -> Plan {
        if let known = plans[ObjectIdentifier(layout)] { return known }
        // Records of ever new shapes must not fill the memory.
        if plans.count == 256 { plans.removeAll() }
        let hashed = layout.names.enumerated().filter { isHashed($0.element) }
            .sorted { CanonicalJSON.precedes($0.element.utf8, $1.element.utf8) }
            .enumerated().map { index, field in
                let before = [UInt8(ascii: index == 0 ? "{" : ",")]
                return (cell: field.offset, name: before + layout.quotedNames[field.offset] + [UInt8(ascii: ":")])
            }
        let plan = Plan(layout: layout, key: key.map { layout.index(of: $0) }, hashed: hashed)
        plans[ObjectIdentifier(layout)] = plan
        return plan
    }

    private func setKey(of record: Int, _ plan: Plan, _ batch: inout RecordBatch) {
        let first = batch.entries[record].first
        let cells = plan.key.map { index in index.map { batch.cells[first + $0] } ?? Cell(kind: .null) }
        if cells.allSatisfy({ $0.kind == .null || $0.kind == .text && $0.length == 0 }) {
            let names = key.map { "`\($0)`" }.joined(separator: ", ")
            batch.setProblem(
                record,
                .init(code: "NO_KEY", message: "\(batch.place(record)) has no value in \(names), which is the key"))
        } else if let only = cells.first, cells.count == 1, [.text, .number, .nested].contains(only.kind) {
            batch.setKey(record, only.range)
        } else {
            var bytes: [UInt8] = cells.count == 1 ? [] : [UInt8(ascii: "[")]
            for (index, cell) in cells.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                CanonicalJSON.write(cell, of: batch, to: &bytes)
            }
            if cells.count > 1 { bytes.append(UInt8(ascii: "]")) }
            batch.setKey(record, batch.append(bytes: bytes))
        }
    }

    /// Writes the canonical form of the record whose cells begin there.
    private func write(_ plan: Plan, _ cells: UnsafePointer<Cell>, _ bytes: UnsafePointer<UInt8>) {
        canonical.removeAll()
        for field in plan.hashed {
            canonical.append(field.name)
            let cell = cells[field.cell]
            switch cell.kind {
            case .null: canonical.append(Self.null)
            case .false: canonical.append(Self.false)
            case .true: canonical.append(Self.true)
            case .number, .nested: canonical.append(bytes + cell.start, cell.length)
            case .text: canonical.append(quoted: bytes + cell.start, cell.length)
            case .blob:
                let content = UnsafeBufferPointer(start: bytes + cell.start, count: cell.length)
                let text = Array(Base64.encode(Array(content)[...]).utf8)
                text.withUnsafeBufferPointer { canonical.append(quoted: $0.baseAddress ?? bytes, $0.count) }
            }
        }
        if plan.hashed.isEmpty { canonical.append(UInt8(ascii: "{")) }
        canonical.append(UInt8(ascii: "}"))
    }

    private static let null = Array("null".utf8)
    private static let `false` = Array("false".utf8)
    private static let `true` = Array("true".utf8)
}

extension CanonicalJSON {
    static func write(_ cell: Cell, of batch: RecordBatch, to output: inout [UInt8]) {
        switch cell.kind {
        case .null: output.append(contentsOf: "null".utf8)
        case .false: output.append(contentsOf: "false".utf8)
        case .true: output.append(contentsOf: "true".utf8)
        case .number, .nested: output.append(contentsOf: batch.bytes[cell.range])
        case .text: write(text: batch.bytes[cell.range], to: &output)
        case .blob: write(text: Base64.encode(batch.bytes[cell.range]).utf8, to: &output)
        }
    }
}
