/// The params of `records.sync`, decoded and checked; nothing here looks at the disk.
import JSONText
import JobHandler

struct SyncParams: Sendable {
    enum Mode: String, CaseIterable {
        /// Everything is read; what is new or changed is written.
        case full
        /// What is new since the last time is read.
        case incremental
        /// As full, and what the source no longer has is deleted.
        case mirror
    }

    let source: SourceParams
    let target: TargetParams
    let mode: Mode
    /// The fields whose values make the key; nil for what the source says.
    let key: [String]?
    /// What is synced: "customers".
    let entity: String?
    /// Records to look at, at most.
    let limit: Int?
    /// Write what is unchanged, too, and read from the beginning.
    let force: Bool
    let cursorField: String?
    let lookbackSeconds: Int
    let compareFields: [String]?
    /// nil for what the source says.
    let ignoreFields: [String]?
    let stopAfterUnchanged: Int?
    /// A job's name, or the path of an errors file.
    let retryOf: String?
    let batchSize: Int
    let errors: ErrorBudget
    let maxDelete: Int
    let maxDeletePercent: Double
    let allowEmpty: Bool

    init(_ fields: inout JSONFields) throws {
        entity = try fields.string("entity")
        source = try SourceParams(&fields, entity: entity)
        target = try TargetParams(&fields, entity: entity)
        mode = try fields.choice("mode") ?? .full
        key = try fields.names("key")
        limit = try fields.int("limit", in: 1 ... .max)
        force = try fields.bool("force") ?? false
        cursorField = try fields.string("cursor_field")
        lookbackSeconds = try fields.int("lookback_seconds", in: 0...3_153_600_000) ?? 0
        compareFields = try fields.names("compare_fields")
        ignoreFields = try fields.strings("ignore_fields")
        stopAfterUnchanged = try fields.int("stop_after_unchanged", in: 1 ... .max)
        retryOf = try fields.string("retry_of")
        batchSize = try fields.int("batch_size", in: 1...100_000) ?? target.defaultBatchSize
        errors = try ErrorBudget(params: &fields)
        maxDelete = try fields.int("max_delete", in: 0 ... .max) ?? 100
        maxDeletePercent = try fields.double("max_delete_percent", in: 0...100) ?? 10
        allowEmpty = try fields.bool("allow_empty") ?? false
        try check(fields)
    }

    private func check(_ fields: JSONFields) throws(JSONFieldError) {
        if compareFields != nil, ignoreFields != nil {
            throw fields.wrong(
                "ignore_fields", "cannot be given together with `compare_fields`: one of them says it all")
        }
        if mode != .incremental, cursorField != nil {
            throw fields.wrong("cursor_field", "is for `mode` \"incremental\", not \"\(mode.rawValue)\"")
        }
        if mode == .mirror, !target.canDelete {
            throw fields.wrong(
                "mode", "needs {key} in the target's `http` or `delete_url`, to say what is to be deleted")
        }
        if lookbackSeconds > 0, cursorField == nil {
            throw fields.wrong("lookback_seconds", "needs a `cursor_field` whose values it looks back from")
        }
        if retryOf?.isEmpty ?? false {
            throw fields.wrong("retry_of", "must be a job's name, or the path of an errors file")
        }
    }
}
