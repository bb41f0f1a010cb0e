/// What an attempt has said so far, folded line by line into the job's status, log and errors. The output file is the
/// truth: a daemon that returns folds it again from the beginning, and what already stands in the log is not written again.
import JSONText
import SpoolProtocol
import SpoolStorage

struct AttemptLedger {
    private(set) var status: JobStatus
    private(set) var reports: HandlerReports
    private(set) var errorsTotal: Int64
    private(set) var errors: [ItemError]
    /// A checkpoint that has not been saved yet.
    private(set) var unsavedCheckpoint: JSON?
    /// There is something that the status does not show yet; at first, that the attempt runs.
    private(set) var hasChanged = true

    private let log: JobLog
    private var handlerLinesToSkip: Int
    private var stderrLinesToSkip: Int
    private var errorLinesToSkip: Int
    /// All lines that the job's files have of this attempt, or will have.
    private var lines: EmptiedOutputs
    private(set) var emptied: EmptiedOutputs
    /// The handler has emptied an output, and that is not saved yet.
    private(set) var isEmptiedUnsaved = false
    private var toldOfEmptied: Set<String> = []
    /// What is folded now was said long ago: it has no rate.
    var isCatchingUp = false
    /// When the first progress came (CLOCK_MONOTONIC, seconds), and what had been processed by then.
    private var firstProgress: (at: Double, processed: Int64)?
    private let startingCheckpoint: JSON
    /// What the output says before this one is older than what has been saved.
    private var awaitedCheckpoint: JSON?

    /// - Parameter emptied: as an earlier daemon has saved it. Lines that had not reached the job's files when that one died are lost, and
    ///   do not count; damaged numbers do not, either.
    init(
        _ status: JobStatus, log: JobLog, emptied: EmptiedOutputs = EmptiedOutputs(), saved: SavedCheckpoint? = nil
    ) {
        self.status = status
        self.log = log
        startingCheckpoint = status.checkpoint
        reports = emptied.reports
        lines = EmptiedOutputs()
        lines.handlerLines = log.written.handlerLines
        lines.stderrLines = log.written.stderrLines
        lines.errorLines = log.written.errorLines
        self.emptied = emptied
        self.emptied.limitLines(to: lines)
        isEmptiedUnsaved = self.emptied != emptied
        handlerLinesToSkip = lines.handlerLines - self.emptied.handlerLines
        stderrLinesToSkip = lines.stderrLines - self.emptied.stderrLines
        errorLinesToSkip = lines.errorLines - self.emptied.errorLines
        // The errors of the attempt that is folded again come again.
        errorsTotal = log.written.errorsTotal - Int64(errorLinesToSkip)
        errors = log.written.firstErrors.prefix(Int(errorsTotal)).map(\.shortened)
        self.status.recentLogs = log.written.recent
        if let saved {
            self.status.checkpoint = saved.value
            if saved.isProgress { reports.madeProgress = true }
            if saved.isProgress, saved.mayBeAhead { awaitedCheckpoint = saved.value }
        }
        // Which is not older.
        let hasOwn = saved.map(\.isProgress) ?? false
        if let checkpoint = reports.checkpoint, !hasOwn {
            self.status.checkpoint = checkpoint
            // The earlier daemon may have died before it saved it.
            unsavedCheckpoint = checkpoint
        }
        if let failed = reports.failed { self.status.counts["failed"] = failed }
    }

    /// Whether items failed, so that a completed job is a partial success.
    var itemsFailed: Bool { reports.failed.map { $0 > 0 } ?? (errorsTotal > 0) }

    // MARK: Lines

    mutating func takeOutput(_ line: UnsafeBufferPointer<UInt8>, at now: Timestamp) {
        take(HandlerLine(line), at: now)
    }

    mutating func takeStandardError(_ line: UnsafeBufferPointer<UInt8>, at now: Timestamp) {
        let message = String(decoding: line, as: UTF8.self)
        if isFirst(stderrLinesToSkip, lines.stderrLines, emptied.stderrLines),
            let known = log.written.firstStderrMessage, known != message
        {
            standardErrorIsEmptied(at: now)
        }
        let isRepeat = Self.countDown(&stderrLinesToSkip)
        if !isRepeat { lines.stderrLines += 1 }
        write(.error, .stderr, message, at: now, isRepeat: isRepeat)
    }

    /// A line of the daemon's own.
    mutating func note(_ level: LogEntry.Level, _ message: String, at now: Timestamp) {
        write(level, .daemon, message, at: now, isRepeat: false)
    }

    // MARK: Emptied outputs

    /// Standard output has been emptied. What stands in the job's files does not come again.
    mutating func outputIsEmptied(at now: Timestamp) {
        tellOfEmptied("standard output", "stdout", 1, at: now)
        emptied.handlerLines = lines.handlerLines
        emptied.errorLines = lines.errorLines
        emptied.reports = reports
        handlerLinesToSkip = 0
        countUnfoldedErrors()
    }

    /// The outputs have been read to their end. Errors that have not come again were said before standard output was emptied, while nobody
    /// read it.
    mutating func outputIsOver() { countUnfoldedErrors() }

    /// Errors in the job's file that this daemon has not folded count as much.
    private mutating func countUnfoldedErrors() {
        guard errorLinesToSkip > 0 else { return }
        errorsTotal += Int64(errorLinesToSkip)
        errors += log.written.firstErrors.dropFirst(errors.count).prefix(errorLinesToSkip).map(\.shortened)
        errorLinesToSkip = 0
        if reports.failed == nil { status.counts["failed"] = errorsTotal }
        hasChanged = true
    }

    mutating func standardErrorIsEmptied(at now: Timestamp) {
        tellOfEmptied("standard error", "stderr", 2, at: now)
        emptied.stderrLines = lines.stderrLines
        stderrLinesToSkip = 0
    }

    private mutating func tellOfEmptied(_ output: String, _ device: String, _ descriptor: Int, at now: Timestamp) {
        isEmptiedUnsaved = true
        guard toldOfEmptied.insert(device).inserted else { return }
        let message =
            "the handler has emptied its \(output), as `>/dev/\(device)` does, and lines may be lost: `>&\(descriptor)` appends"
        note(.warning, message, at: now)
    }

    /// Whether a line is the first of those that are to be passed over. If it is not what stands in the file, the output has been emptied
    /// while nobody read it.
    private func isFirst(_ linesToSkip: Int, _ lines: Int, _ emptied: Int) -> Bool {
        linesToSkip > 0 && linesToSkip == lines - emptied
    }

    mutating func emptiedIsSaved() { isEmptiedUnsaved = false }

    // MARK: Folding

    private mutating func take(_ line: HandlerLine, at now: Timestamp) {
        switch line {
        case .progress(let report): take(report)
        case .log(let level, let message):
            if isFirst(handlerLinesToSkip, lines.handlerLines, emptied.handlerLines),
                let known = log.written.firstHandlerMessage, known != message
            {
                outputIsEmptied(at: now)
            }
            let isRepeat = Self.countDown(&handlerLinesToSkip)
            if !isRepeat { lines.handlerLines += 1 }
            write(level, .handler, message, at: now, isRepeat: isRepeat)
            if !message.isEmpty { status.message = message.shortened }
        case .error(let item, let code, let message, let retryable):
            write(
                ItemError(
                    at: now, item: item, code: code, message: message, retryable: retryable, attempt: status.attempt))
        case .checkpoint(let value):
            if let awaitedCheckpoint, value != awaitedCheckpoint { return }
            awaitedCheckpoint = nil
            status.checkpoint = value
            unsavedCheckpoint = value
            reports.checkpoint = value
            if value != startingCheckpoint { reports.madeProgress = true }
        case .result(let value): reports.result = value
        case .failure(let error, let retryable):
            reports.failure = error
            reports.failureIsRetryable = retryable
        case .ignored: return
        }
        hasChanged = true
    }

    private mutating func take(_ report: ProgressReport) {
        let now = Clock.monotonic()
        if let current = report.current, firstProgress == nil || isCatchingUp { firstProgress = (now, current) }
        let first = firstProgress ?? (now, 0)
        status.progress.take(report, elapsed: now - first.at, startedFrom: first.processed)
        status.counts.merge(report.counts)
        if report.counts?["failed"] != nil { reports.failed = status.counts["failed"] }
    }

    private mutating func write(_ error: ItemError) {
        if isFirst(errorLinesToSkip, lines.errorLines, emptied.errorLines),
            let known = log.written.firstError, !error.isRepeat(of: known)
        {
            outputIsEmptied(at: error.at)
        }
        errorsTotal += 1
        if errors.count < JobResult.errorsLimit { errors.append(error.shortened) }
        if reports.failed == nil { status.counts["failed"] = errorsTotal }
        if Self.countDown(&errorLinesToSkip) { return }
        lines.errorLines += 1
        log.append(error)
    }

    private mutating func write(
        _ level: LogEntry.Level, _ source: LogEntry.Source, _ message: String, at now: Timestamp, isRepeat: Bool
    ) {
        hasChanged = true
        if isRepeat { return }
        let entry = LogEntry(at: now, level: level, source: source, attempt: status.attempt, message: message)
        log.append(entry)
        status.recentLogs.append(entry.shortened)
        if status.recentLogs.count > JobStatus.recentLogsLimit { status.recentLogs.removeFirst() }
    }

    /// Whether a line is one of those that already stand in the file.
    private static func countDown(_ linesToSkip: inout Int) -> Bool {
        guard linesToSkip > 0 else { return false }
        linesToSkip -= 1
        return true
    }

    // MARK: Saving

    /// The disk did not take it: it is still to be shown.
    mutating func statusIsNotShown() { hasChanged = true }

    mutating func checkpointIsSaved() { unsavedCheckpoint = nil }

    /// The status as it is now, to be shown.
    mutating func takeStatus(at now: Timestamp) -> JobStatus {
        hasChanged = false
        status.updatedAt = now
        return status
    }
}

extension EmptiedOutputs {
    /// None before the first, and none that is not there.
    fileprivate mutating func limitLines(to lines: EmptiedOutputs) {
        handlerLines = min(max(0, handlerLines), lines.handlerLines)
        errorLines = min(max(0, errorLines), lines.errorLines)
        stderrLines = min(max(0, stderrLines), lines.stderrLines)
    }
}

extension ItemError {
    /// As a result shows it; the errors file has it whole.
    fileprivate var shortened: ItemError {
        var error = self
        error.item = item.shortened
        error.code = code.shortened
        error.message = message.shortened
        return error
    }

    fileprivate func isRepeat(of other: ItemError) -> Bool {
        item == other.item && code == other.code && message == other.message
    }
}

extension LogEntry {
    /// As a status shows it; the log has it whole.
    fileprivate var shortened: LogEntry {
        var entry = self
        entry.message = message.shortened
        return entry
    }
}

extension String {
    /// The first thousand characters: a status is read again and again, and a result by the daemon, too.
    fileprivate var shortened: String { utf8.count <= 1000 ? self : String(prefix(1000)) + "…" }
}
