/// Works out what a record is known by: its key, and the hash of its canonical JSON.
///
/// A key of one field is that field's value as text; a key of several is the JSON array of their values, of which some may be
/// null, but not all. The hash regards the fields of `compare_fields`, or all but those of `ignore_fields`.
final class RecordIdentifier {
    /// What depends on the names of a record's fields alone.
    private struct Plan {
        let layout: FieldLayout
        /// Where the key's fields stand.
        let key: [Int?]
        /// The fields that are hashed, sorted: where each stands, and its name as the canonical form writes it.
        let hashed: [(cell: Int, name: [UInt8])]
    }

    private let key: [String]
    private let isHashed: @Sendable (String) -> Bool
    private var plans: [ObjectIdentifier: Plan] = [:]
    private var canonical: [UInt8] = []

    init(key: [String], compareFields: [String]?, ignoreFields: [String]) {
        self.key = key
        let compared = compareFields.map(Set.init)
        let ignored = Set(ignoreFields)
        isHashed = { name in compared?.contains(name) ?? !ignored.contains(name) }
    }

    func identify(_ batch: inout RecordBatch) {
        for record in 0..<batch.count where batch.entries[record].layout >= 0 {
            let plan = plan(for: batch.layout(record))
            setKey(of: record, plan, &batch)
        }
        for record in 0..<batch.count {
            guard batch.entries[record].problem < 0 else {
                batch.hashes.append(contentsOf: repeatElement(0, count: SHA256.size))
                continue
            }
            hash(record, plan(for: batch.layout(record)), &batch)
        }
    }

    private func plan(for layout: FieldLayout) -> Plan {
        if let known = plans[ObjectIdentifier(layout)] { return known }
        // Records of ever new shapes must not fill the memory.
        if plans.count == 256 { plans.removeAll() }
        let hashed = layout.names.enumerated().filter { isHashed($0.element) }
            .sorted { CanonicalJSON.precedes($0.element.utf8, $1.element.utf8) }
            .map { (cell: $0.offset, name: layout.quotedNames[$0.offset] + [UInt8(ascii: ":")]) }
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

    private func hash(_ record: Int, _ plan: Plan, _ batch: inout RecordBatch) {
        let first = batch.entries[record].first
        canonical.removeAll(keepingCapacity: true)
        canonical.append(UInt8(ascii: "{"))
        for (index, field) in plan.hashed.enumerated() {
            if index > 0 { canonical.append(UInt8(ascii: ",")) }
            canonical.append(contentsOf: field.name)
            CanonicalJSON.write(batch.cells[first + field.cell], of: batch, to: &canonical)
        }
        canonical.append(UInt8(ascii: "}"))
        batch.hashes.append(contentsOf: SHA256.hash(canonical))
    }
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
