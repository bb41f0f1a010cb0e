/// The job type `records.sync`: brings a target to what a source holds, record by record. See `SyncEngine` for how.
import JSONText
import JobHandler

struct RecordsSync: JobType {
    let params: SyncParams
    /// Of retries.
    var pacing = Pacing.system

    init(params: inout JSONFields) throws { self.params = try SyncParams(&params) }

    func run(_ job: Job) async throws -> JSON? {
        let retry = try params.retryOf.map { try ErrorsFile.items(of: $0, job) }
        if let retry, retry.isEmpty {
            let tally = try SyncTally(job, params.errors, earlier: SyncState())
            try tally.finish()
            return SyncSummary(job, tally).result(stoppedEarly: false)
        }
        let target = try params.target.open(job, pacing)
        do {
            let result = try await run(job, target, retry)
            try await target.close()
            return result
        } catch {
            do {
                try await target.close()
            } catch let second {
                job.log("\(target.name) could not be closed: \(second)", level: .error)
            }
            throw error
        }
    }

    private func run(_ job: Job, _ target: any RecordTarget, _ retry: RetryItems?) async throws -> JSON {
        var state = try target.state(source: params.source.bookmarkName)
        let isInterrupted = state.jobID == job.request.jobID && !state.isOver
        if state.jobID.isEmpty || state.jobID != job.request.jobID {
            state = state.begun(by: job.request.jobID)
        } else {
            let done = state.created + state.updated + state.deleted
            if !goesOnWithPosition(state) { (state.reached, state.seen) = (nil, []) }
            let rest = state.reached == nil ? ", and their records are found equal" : ""
            job.log("Resuming: \(done) operations are done already\(rest)")
            // Everything is written once more: what was written before does not count.
            if params.force, params.mode == .mirror { (state.created, state.updated) = (0, 0) }
        }
        if params.mode == .incremental, retry == nil, let field = params.cursorField { go(by: field, &state, job) }
        let goesOn = params.mode == .incremental && !params.force && retry == nil
        let start = goesOn ? try startingPoint(state) : nil
        let context = SourceContext(
            job: job, cursorField: params.mode == .incremental ? params.cursorField : nil, start: start,
            bookmark: goesOn ? state.startBookmark : nil,
            position: state.reached?.position,
            gapKey: params.mode == .mirror || params.cursorField != nil ? params.key : nil, limit: params.limit,
            pacing: pacing)
        let source = try await open(context, target)
        do {
            let total = try await source.count().map { retry == nil ? atMost($0) : $0 }
            if !source.isResumed { (state.reached, state.seen) = (nil, []) }
            let isIncremental = params.mode == .incremental
            let rules = Planner.Rules(
                force: params.force, dropsRepeats: isIncremental, laterWins: source.isStreamOfChanges,
                // What an earlier attempt has written is unchanged, and may stand before what it left.
                stopAfterUnchanged: state.isBehind || isInterrupted ? nil : params.stopAfterUnchanged,
                limit: params.limit, limitsChanges: isIncremental,
                bookmark: goesOn ? state.start : nil)
            let engine = try SyncEngine(params, job, target, state: state, rules: rules, retry: retry)
            let reader = RecordReader(source, params, start: start, retry: retry)
            let result = try await reading(source, reader) { records in
                try await engine.run(records, total: total, source: source.name)
            }
            await source.close()
            return result
        } catch {
            await source.close()
            throw error
        }
    }

    /// A bookmark leads through its own field alone: in another one what is new may be before it.
    private func go(by field: String, _ state: inout SyncState, _ job: Job) {
        if state.cursor != nil, let earlier = state.cursorField, !earlier.hasSameBytes(as: field) {
            job.log("`cursor_field` was \(earlier.printable(limit: 200)) before: reading from the beginning")
            state.forgetCursor()
        }
        state.cursorField = field
    }

    private func reading<Value>(
        _ source: any RecordSource, _ reader: RecordReader, _ body: (any IdentifiedRecords) async throws -> Value
    ) async throws -> Value {
        guard source.isReadAhead else { return try await body(reader) }
        let ahead = ReadAhead(reader, limit: params.batchSize)
        do {
            let value = try await body(ahead)
            await ahead.end()
            return value
        } catch {
            await ahead.end()
            throw error
        }
    }

    /// Whether what was read before need not be read again. A mirror has to see all records, and a bookmark must not pass what
    /// failed.
    private func goesOnWithPosition(_ state: SyncState) -> Bool {
        switch params.mode {
        case .mirror: false
        case .incremental: state.reached?.failed == 0
        case .full: true
        }
    }

    /// Of so many records those that will be looked at, where `limit` says it. What an incremental job passes over is none of them.
    private func atMost(_ records: Int) -> Int {
        params.mode == .incremental ? records : min(records, params.limit ?? records)
    }

    private func startingPoint(_ state: SyncState) throws(JobFailure) -> Cursor? {
        guard let cursor = state.start, params.cursorField != nil else { return nil }
        if params.lookbackSeconds == 0 { return cursor }
        guard let earlier = cursor.earlier(by: params.lookbackSeconds) else {
            throw .invalidParams(
                field: "params.lookback_seconds",
                """
                `params.lookback_seconds` needs times or numbers in `cursor_field`, and the bookmark is \
                \(cursor.json.text): leave it out
                """)
        }
        return earlier
    }

    /// A source that is missing is an error in any case; its code says whether a mirror would have emptied the target.
    private func open(_ context: SourceContext, _ target: any RecordTarget) async throws -> any RecordSource {
        do {
            return try await params.source.open(context)
        } catch let failure as JobFailure where failure.code == "SOURCE_MISSING" && params.mode == .mirror {
            let held = try target.count()
            if held == 0 { throw failure }
            throw DeletionGuard.sourceEmpty("is missing", params.source.name, held: held)
        }
    }
}
