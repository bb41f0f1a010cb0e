/// What an attempt has said so far, folded line by line into the job's status, log and errors. The output file is the
/// truth: a daemon that returns folds it again from the beginning, and what already stands in the log is not written again.
import JSONText
import SpoolProtocol
import SpoolStorage

struct AttemptLedger {
    private(set) var status: JobStatus
    /// The handler's result; null until it gives one.
    private(set) var result: JSON = .null
    private(set) var failure: JobError?
    private(set) var failureIsRetryable = false
    private(set) var errorsTotal: Int64
    private(set) var errors: [ItemError]
    /// A checkpoint that has not been saved yet.
    private(set) var unsavedCheckpoint: JSON?
    /// The attempt has reported a checkpoint that differs from the one it began with.
    private(set) var madeProgress = false
    /// There is something that the status does not show yet; at first, that the attempt runs.
    private(set) var hasChanged = true

    private let log: JobLog
    private var handlerLinesToSkip: Int
    private var stderrLinesToSkip: Int
    private var errorLinesToSkip: Int
    private var handlerCountsFailed = false
    /// What is folded now was said long ago: it has no rate.
    var isCatchingUp = false
    /// When the first progress came (CLOCK_MONOTONIC, seconds), and what had been processed by then.
    private var firstProgress: (at: Double, processed: Int64)?
    private let startingCheckpoint: JSON

    init(_ status: JobStatus, log: JobLog) {
        self.status = status
        self.log = log
        startingCheckpoint = status.checkpoint
        handlerLinesToSkip = log.written.handlerLines
        stderrLinesToSkip = log.written.stderrLines
        errorLinesToSkip = log.written.errorLines
        // The errors of the attempt that is folded again come again.
        errorsTotal = log.written.errorsTotal - Int64(log.written.errorLines)
        errors = Array(log.written.firstErrors.prefix(Int(errorsTotal)))
        self.status.recentLogs = log.written.recent
    }

    /// Whether items failed, so that a completed job is a partial success.
    var itemsFailed: Bool { handlerCountsFailed ? status.counts["failed"] > 0 : errorsTotal > 0 }

    // MARK: Lines

    mutating func takeOutput(_ line: UnsafeBufferPointer<UInt8>, at now: Timestamp) {
        take(HandlerLine(line), at: now)
    }

    mutating func takeStandardError(_ line: UnsafeBufferPointer<UInt8>, at now: Timestamp) {
        let isRepeat = Self.countDown(&stderrLinesToSkip)
        write(.error, .stderr, String(decoding: line, as: UTF8.self), at: now, isRepeat: isRepeat)
    }

    /// A line of the daemon's own.
    mutating func note(_ level: LogEntry.Level, _ message: String, at now: Timestamp) {
        write(level, .daemon, message, at: now, isRepeat: false)
    }

    private mutating func take(_ line: HandlerLine, at now: Timestamp) {
        switch line {
        case .progress(let report): take(report)
        case .log(let level, let message):
            let isRepeat = Self.countDown(&handlerLinesToSkip)
            write(level, .handler, message, at: now, isRepeat: isRepeat)
            if !message.isEmpty { status.message = message.shortened }
        case .error(let item, let code, let message, let retryable):
            write(
                ItemError(
                    at: now, item: item, code: code, message: message, retryable: retryable, attempt: status.attempt))
        case .checkpoint(let value):
            status.checkpoint = value
            unsavedCheckpoint = value
            if value != startingCheckpoint { madeProgress = true }
        case .result(let value): result = value
        case .failure(let error, let retryable):
            failure = error
            failureIsRetryable = retryable
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
        if report.counts?["failed"] != nil { handlerCountsFailed = true }
    }

    private mutating func write(_ error: ItemError) {
        errorsTotal += 1
        if errors.count < JobResult.errorsLimit { errors.append(error) }
        if !handlerCountsFailed { status.counts["failed"] = errorsTotal }
        if !Self.countDown(&errorLinesToSkip) { log.append(error) }
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

extension LogEntry {
    /// As a status shows it; the log has it whole.
    fileprivate var shortened: LogEntry {
        var entry = self
        entry.message = message.shortened
        return entry
    }
}

extension String {
    /// The first thousand characters: a status is read again and again.
    fileprivate var shortened: String { utf8.count <= 1000 ? self : String(prefix(1000)) + "…" }
}
