/// A job's two append-only files, `NAME.log.jsonl` and `NAME.errors.jsonl`. What the disk does not take is kept and
/// written later, in order; nothing is written twice.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

final class JobLog {
    private let spool: Spool
    private let name: JobName
    private let jobDirectory: Directory
    private let log: Descriptor
    private var errors: Descriptor?
    private var unwrittenLog: [UInt8] = []
    private var unwrittenErrors: [UInt8] = []
    private var isSynced = true

    /// What earlier attempts, or an earlier daemon, wrote.
    struct Written {
        /// Lines of the attempt that is being followed, by source.
        var handlerLines = 0
        var stderrLines = 0
        var errorLines = 0
        /// What the first of these says that its outputs are to say again.
        var firstHandlerMessage: String?
        var firstStderrMessage: String?
        var firstError: ItemError?
        var recent: [LogEntry] = []
        var errorsTotal: Int64 = 0
        var firstErrors: [ItemError] = []
    }

    private(set) var written = Written()

    /// Opens the job's files, or begins them. Whatever stands in their place and is not the daemon's is replaced; where it cannot be, in
    /// another user's sticky directory, the lines go to a file in the job's own directory, and with it when the job is over.
    init(
        _ spool: Spool, _ name: JobName, in jobDirectory: Directory, attempt: Int, isNew: Bool,
        emptied: EmptiedOutputs = EmptiedOutputs()
    ) throws(SpoolError) {
        self.spool = spool
        self.name = name
        self.jobDirectory = jobDirectory
        let logName = Self.logName(name)
        let errorsName = Self.errorsName(name)
        if !isNew, let log = try Self.reopen(logName, spool, jobDirectory) {
            try written.read(log: log, attempt: attempt, emptied)
            self.log = log
        } else {
            log = try Self.create(logName, spool, jobDirectory)
        }
        if isNew {
            if try spool.isOwn(errorsName) { try spool.root.remove(errorsName) }
        } else if let file = try Self.reopen(errorsName, spool, jobDirectory) {
            try written.read(errors: file, attempt: attempt, emptied)
            errors = consume file
        }
    }

    private static func create(
        _ file: FileName, _ spool: Spool, _ jobDirectory: Directory
    ) throws(SpoolError) -> Descriptor {
        do {
            return try spool.createLog(file)
        } catch  where error.isForbidden {
            guard try !spool.isOwn(file) else { throw error }
            if !spool.root.failsAlone(file), try spool.root.stat(file) == nil { throw error }
            return try jobDirectory.open(file, O_RDWR | O_CREAT | O_APPEND, mode: 0o600)
        }
    }

    private static func reopen(
        _ file: FileName, _ spool: Spool, _ jobDirectory: Directory
    ) throws(SpoolError) -> Descriptor? {
        if let known = try spool.reopenLog(file) { return known }
        return try jobDirectory.stat(file) == nil ? nil : try jobDirectory.open(file, O_RDWR | O_APPEND)
    }

    static func logName(_ name: JobName) -> FileName { FileName(name.string + ".log.jsonl") }
    static func errorsName(_ name: JobName) -> FileName { FileName(name.string + ".errors.jsonl") }

    func append(_ entry: LogEntry) {
        entry.json.write(to: &unwrittenLog)
        unwrittenLog.append(0x0A)
    }

    func append(_ error: ItemError) {
        error.json.write(to: &unwrittenErrors)
        unwrittenErrors.append(0x0A)
    }

    /// More than this waits for the disk: nothing more should be read before `flush` has succeeded.
    var isFull: Bool { unwrittenLog.count + unwrittenErrors.count > 1 << 22 }

    /// Writes what waits.
    func flush() throws(SpoolError) {
        if unwrittenLog.isEmpty, unwrittenErrors.isEmpty { return }
        isSynced = false
        try log.drain(&unwrittenLog)
        if unwrittenErrors.isEmpty { return }
        if errors == nil { errors = try Self.create(Self.errorsName(name), spool, jobDirectory) }
        try errors!.drain(&unwrittenErrors)
    }

    /// Writes what waits, and waits until it is on the disk.
    func sync() throws(SpoolError) {
        try flush()
        if isSynced { return }
        try log.syncData()
        if errors != nil { try errors!.syncData() }
        isSynced = true
    }

    /// Takes away last lines without an end from the files of a job that is not over and that nobody follows.
    static func mend(_ name: JobName, in spool: Spool) throws(SpoolError) {
        for file in [logName(name), errorsName(name)] {
            if let log = try spool.reopenLog(file) { try forEachLine(of: log) { _ in } }
        }
    }

    /// What a job's attempts have left in its errors file: nothing else is read.
    static func writtenErrors(
        of name: JobName, in spool: Spool, _ jobDirectory: Directory
    ) throws(SpoolError) -> Written {
        var written = Written()
        if let file = try reopen(errorsName(name), spool, jobDirectory) {
            try written.read(errors: file, attempt: 0, EmptiedOutputs())
        }
        return written
    }

    /// How much of a file is in memory at a time, in bytes: more only for a line that is longer.
    private static let chunk = 1 << 20

    /// Hands over the file's lines, without line breaks. A last line without an end was cut off when a daemon died: it is taken away, and
    /// written anew.
    fileprivate static func forEachLine(
        of file: borrowing Descriptor, _ body: (ArraySlice<UInt8>) -> Void
    ) throws(SpoolError) {
        var offset: Int64 = 0
        var limit = chunk
        while true {
            let bytes = try file.read(from: offset, limit: limit)
            if let end = bytes.lastIndex(of: 0x0A) {
                for line in bytes[..<end].split(separator: 0x0A) { body(line) }
                offset += Int64(end) + 1
                limit = chunk
            } else if bytes.count < limit {
                if !bytes.isEmpty { try file.truncate(to: offset) }
                return
            } else {
                limit *= 2
            }
        }
    }
}

extension JobLog.Written {
    fileprivate mutating func read(
        log file: borrowing Descriptor, attempt: Int, _ emptied: EmptiedOutputs
    ) throws(SpoolError) {
        var handler = SourceLines("handler", attempt, passingOver: emptied.handlerLines)
        var stderr = SourceLines("stderr", attempt, passingOver: emptied.stderrLines)
        var last: [[UInt8]] = []
        try JobLog.forEachLine(of: file) { line in
            // The message comes last, so that nothing in it can look like this.
            let head = line.prefix(120)
            handler.take(line, head)
            stderr.take(line, head)
            if last.count == JobStatus.recentLogsLimit { last.removeFirst() }
            last.append(Array(line))
        }
        (handlerLines, stderrLines) = (handler.count, stderr.count)
        firstHandlerMessage = handler.first.flatMap(Self.entry)?.message
        firstStderrMessage = stderr.first.flatMap(Self.entry)?.message
        recent = last.compactMap(Self.entry)
    }

    /// The lines of one source, of one attempt.
    private struct SourceLines {
        private let mark: [UInt8]
        private let passedOver: Int
        private(set) var count = 0
        /// The first one after those that are passed over.
        private(set) var first: [UInt8]?

        init(_ source: String, _ attempt: Int, passingOver passedOver: Int) {
            mark = Array("\"source\":\"\(source)\",\"attempt\":\(attempt),".utf8)
            self.passedOver = passedOver
        }

        mutating func take(_ line: ArraySlice<UInt8>, _ head: ArraySlice<UInt8>) {
            guard head.contains(mark) else { return }
            if count == passedOver { first = Array(line) }
            count += 1
        }
    }

    fileprivate mutating func read(
        errors file: borrowing Descriptor, attempt: Int, _ emptied: EmptiedOutputs
    ) throws(SpoolError) {
        var (total, lines): (Int64, Int) = (0, 0)
        var firstError: ItemError?
        var first: [ItemError] = []
        try JobLog.forEachLine(of: file) { line in
            guard let error = Self.parse(Array(line)).flatMap(ItemError.init(json:)) else { return }
            total += 1
            if error.attempt == attempt {
                if lines == emptied.errorLines { firstError = error }
                lines += 1
            }
            if first.count < JobResult.errorsLimit { first.append(error) }
        }
        (errorsTotal, errorLines, firstErrors, self.firstError) = (total, lines, first, firstError)
    }

    private static func entry(_ line: [UInt8]) -> LogEntry? { parse(line).flatMap(LogEntry.init(json:)) }

    private static func parse(_ line: [UInt8]) -> JSON? {
        do {
            return try JSON(parsing: line)
        } catch {
            // Not written by a daemon; the lines around it still count.
            return nil
        }
    }
}
