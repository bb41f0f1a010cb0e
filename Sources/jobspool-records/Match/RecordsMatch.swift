/// The job type `records.match`: finds which record of one set is which of another, and writes what is certain: a match is one to one.
/// None or several is skipped, with the reason; mappings that stand are kept.
import JSONText
import JobHandler

struct RecordsMatch: JobType {
    let params: MatchParams

    init(params: inout JSONFields) throws { self.params = try MatchParams(&params) }

    func run(_ job: Job) async throws -> JSON? {
        let mappings = try MappingTable(path: params.target.path, table: params.target.table, job)
        let tables = try MatchTables(rules: params.rules.count)
        var reader = MatchReader(job, tables, params.errors)
        let left = try await reader.read(params.left, .left, params.rules.map { ($0.left, $0.normalizer, $0.country) })
        let right = try await reader.read(
            params.right, .right, params.rules.map { ($0.right, $0.normalizer, $0.country) })
        job.log("Found \(left) records to process, and \(right) to match them with")
        job.progress { $0.phase = "match" }
        try mappings.forEach { try tables.keep(left: $0, right: $1) }
        let kept = try tables.applyStanding()
        for rule in params.rules.indices {
            try job.checkStopping()
            try tables.match(rule: rule)
        }
        if reader.unread > 0 {
            job.log(
                "No new matches: \(reader.unread) records could not be read, and may be those that match",
                level: .warning)
            try tables.withhold()
        }
        let result = try count(tables, job, left: left, right: right, kept: kept, failed: reader.failed)
        try job.checkStopping()
        if !job.isDryRun { try mappings.write(tables, params.rules) }
        try mappings.close()
        return result
    }

    private func count(
        _ tables: MatchTables, _ job: Job, left: Int, right: Int, kept: Int, failed: Int
    ) throws -> JSON {
        var matched = 0
        try tables.forEachMatch { _ in matched += 1 }
        var reasons: [MatchTables.Reason: (count: Int, keys: [String])] = [:]
        try tables.forEachSkipped { key, reason in
            reasons[reason, default: (0, [])].count += 1
            if reasons[reason, default: (0, [])].keys.count < 5 { reasons[reason]?.keys.append(key) }
        }
        let prefix = job.isDryRun ? "DRY RUN: would match" : "Matched"
        job.log("\(prefix) \(matched) of \(left) records one to one; \(kept) mappings stand")
        var skipped = kept
        var byReason = JSONObject()
        for reason in MatchTables.Reason.allCases {
            guard let (count, keys) = reasons[reason] else { continue }
            skipped += count
            byReason[reason.name] = JSON(count)
            job.log(
                "Skipped \(count) that \(reason.text): \(keys.joined(separator: ", "))\(count > keys.count ? ", …" : "")"
            )
        }
        let counts: [(name: String, value: Int)] = [
            ("created", matched), ("updated", 0), ("skipped", skipped), ("deleted", 0), ("failed", failed),
        ]
        job.progress { progress in
            (progress.current, progress.total) = (matched + skipped + failed, matched + skipped + failed)
            progress.counts = counts
        }
        return [
            "dry_run": .bool(job.isDryRun), "left": JSON(left), "right": JSON(right), "matched": JSON(matched),
            "kept": JSON(kept), "skipped": .object(byReason),
            "counts": .object(JSONObject(counts.map { ($0.name, JSON($0.value)) })),
        ]
    }
}

/// Reads the records of both sides into the tables.
struct MatchReader {
    private let job: Job
    private let tables: MatchTables
    /// Of the job.
    private var budget: ErrorBudget
    /// Of the side that is being read: it has the percentage, and not every record of a side may fail.
    private var sideBudget: ErrorBudget
    private(set) var failed = 0
    /// Those of them whose values nobody knows.
    private(set) var unread = 0

    init(_ job: Job, _ tables: MatchTables, _ budget: ErrorBudget) {
        self.job = job
        self.tables = tables
        self.budget = ErrorBudget(maxErrors: budget.maxErrors)
        sideBudget = budget
    }

    /// - Parameter rules: the field of each rule, and how its values are normalised.
    /// - Returns: how many records there are.
    /// - Throws: `JobFailure` TOO_MANY_ERRORS, also when every record failed.
    mutating func read(
        _ side: MatchParams.Side, _ table: MatchTables.Side,
        _ rules: [(field: String, normalizer: Normalizer, country: String?)]
    ) async throws -> Int {
        let source = try await side.source.open(SourceContext(job: job))
        do {
            let total = try await source.count()
            sideBudget = ErrorBudget(maxErrors: sideBudget.maxErrors, maxErrorPercent: sideBudget.maxErrorPercent)
            var batch = RecordBatch(limit: 1000)
            var identifier: RecordIdentifier?
            var unknown = Set(rules.map(\.field))
            var names: [String] = []
            var (count, hasMore) = (0, true)
            while hasMore {
                try job.checkStopping()
                batch.removeAll()
                hasMore = try await source.read(into: &batch)
                if !batch.isEmpty, identifier == nil {
                    identifier = try makeIdentifier(side.key ?? source.key, table)
                }
                identifier?.identify(&batch)
                count += batch.count
                for layout in batch.layouts where !unknown.isEmpty {
                    unknown.subtract(layout.names)
                    names = layout.names
                }
                for record in 0..<batch.count { try take(record, of: batch, table, rules, total) }
                job.progress { progress in
                    progress.phase = "read \(table.rawValue)"
                    (progress.current, progress.total) = (count, total)
                }
            }
            try sideBudget.finish(total: count)
            if count > 0, let field = rules.map(\.field).first(where: unknown.contains) {
                throw unknownField(field, table, names)
            }
            await source.close()
            return count
        } catch {
            await source.close()
            throw error
        }
    }

    /// A typing error must not pass for records that match nothing.
    private func unknownField(_ field: String, _ side: MatchTables.Side, _ names: [String]) -> JobFailure {
        let nearest = nearestWord(to: field, among: names).map { "; did you mean `\($0)`?" } ?? ""
        return .invalidParams(
            field: "params.rules", "no \(side.rawValue) record has the field `\(field)`, which a rule names\(nearest)")
    }

    private func makeIdentifier(_ key: [String]?, _ side: MatchTables.Side) throws(JobFailure) -> RecordIdentifier {
        guard let key else {
            throw .invalidParams(
                field: "params.\(side.rawValue).key",
                "`params.\(side.rawValue).key` is missing: the field whose value tells one record from another")
        }
        return RecordIdentifier(key: key, compareFields: [], ignoreFields: [])
    }

    private mutating func take(
        _ record: Int, of batch: RecordBatch, _ table: MatchTables.Side,
        _ rules: [(field: String, normalizer: Normalizer, country: String?)], _ total: Int?
    ) throws {
        let values = values(of: record, in: batch, rules)
        if let problem = batch.problem(record) {
            if let values { try tables.insertOther(nil, values, into: table) } else { unread += 1 }
            let item = "\(table.rawValue) \(batch.place(record))"
            return try fail(
                ItemError(item: item, code: problem.code, message: problem.message, retryable: problem.retryable), total
            )
        }
        guard let values else { return }
        let key = batch.key(record)
        if try !tables.insert(key, values, into: table) {
            try tables.insertOther(key, values, into: table)
            let message =
                "\(batch.place(record)) has the key \(key), which an earlier \(table.rawValue) record has: it was left out"
            try fail(ItemError(item: key, code: "DUPLICATE_KEY", message: message, retryable: false), total)
        }
    }

    /// By which each rule matches the record; nil for one that could not be taken apart.
    private func values(
        of record: Int, in batch: RecordBatch, _ rules: [(field: String, normalizer: Normalizer, country: String?)]
    ) -> [String?]? {
        guard batch.entries[record].layout >= 0 else { return nil }
        let layout = batch.layout(record)
        let first = batch.cellRange(record).lowerBound
        return rules.map { rule in
            layout.index(of: rule.field).flatMap { index -> String? in
                let cell = batch.cells[first + index]
                guard cell.kind == .text || cell.kind == .number else { return nil }
                return rule.normalizer.normalize(batch.text(cell), country: rule.country)
            }
        }
    }

    private mutating func fail(_ error: ItemError, _ total: Int?) throws(JobFailure) {
        job.report(error)
        failed += 1
        try budget.spend(of: total)
        try sideBudget.spend(of: total)
    }
}
