/// The params of `records.sync`, decoded and checked; nothing here looks at the disk.
import JSONText
import JobHandler

struct SyncParams: Sendable {
    enum Mode: String, CaseIterable { case full, incremental, mirror }

    let source: SourceParams
    let target: TargetParams
    let mode: Mode
    /// The fields whose values make the key; nil for what the source says.
    let key: [String]?
    let entity: String?
    let force: Bool
    let batchSize: Int
    let errors: ErrorBudget

    init(_ fields: inout JSONFields) throws {
        entity = try fields.string("entity")
        source = try SourceParams(&fields)
        target = try TargetParams(&fields, entity: entity)
        mode = try fields.choice("mode") ?? .full
        key = try fields.strings("key")
        force = try fields.bool("force") ?? false
        batchSize = try fields.int("batch_size", in: 1...10_000) ?? 1000
        errors = try ErrorBudget(params: &fields)
    }
}
