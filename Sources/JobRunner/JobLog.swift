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
        var recent: [LogEntry] = []
        var errorsTotal: Int64 = 0
        var firstErrors: [ItemError] = []
    }

    private(set) var written = Written()

    /// Opens the job's files, or begins them. Whatever stands in their place and is not the daemon's is replaced; where it cannot be, in
    /// another user's sticky directory, the lines go to a file in the job's own directory, and with it when the job is over.
    init(
        _ spool: Spool, _ name: JobName, in jobDirectory: Directory, attempt: Int, isNew: Bool
    ) throws(SpoolError) {
        self.spool = spool
        self.name = name
        self.jobDirectory = jobDirectory
        let logName = Self.logName(name)
        let errorsName = Self.errorsName(name)
        if !isNew, let log = try Self.reopen(logName, spool, jobDirectory) {
            let lines = try Self.wholeLines(of: log)
            written.read(logLines: lines, attempt: attempt)
            self.log = log
        } else {
            log = try Self.create(logName, spool, jobDirectory)
        }
        if isNew {
            if try spool.isOwn(errorsName) { try spool.root.remove(errorsName) }
        } else if let file = try Self.reopen(errorsName, spool, jobDirectory) {
            written.read(errorLines: try Self.wholeLines(of: file), attempt: attempt)
            errors = consume file
        }
    }

    private static func create(
        _ file: FileName, _ spool: Spool, _ jobDirectory: Directory
    ) throws(SpoolError) -> Descriptor {
        do {
            return try spool.createLog(file)
        } catch  where error.isForbidden {
            guard let stat = try spool.root.stat(file), !stat.isFile(of: geteuid()) else { throw error }
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
            if let log = try spool.reopenLog(file) { _ = try wholeLines(of: log) }
        }
    }

    /// The file's lines. A last line without an end was cut off when a daemon died: it is written anew.
    private static func wholeLines(of file: borrowing Descriptor) throws(SpoolError) -> [UInt8] {
        var bytes = try file.read(limit: .max)
        let end = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        if end < bytes.count {
            try file.truncate(to: Int64(end))
            bytes.removeSubrange(end...)
        }
        return bytes
    }
}

extension JobLog.Written {
    fileprivate mutating func read(logLines bytes: [UInt8], attempt: Int) {
        let handler = Array("\"source\":\"handler\",\"attempt\":\(attempt),".utf8)
        let stderr = Array("\"source\":\"stderr\",\"attempt\":\(attempt),".utf8)
        let lines = bytes.split(separator: 0x0A)
        for line in lines {
            // The message comes last, so that nothing in it can look like this.
            let head = line.prefix(120)
            if head.contains(handler) { handlerLines += 1 }
            if head.contains(stderr) { stderrLines += 1 }
        }
        recent = Self.parse(lines.suffix(JobStatus.recentLogsLimit)).compactMap(LogEntry.init(json:))
    }

    fileprivate mutating func read(errorLines bytes: [UInt8], attempt: Int) {
        let entries = Self.parse(bytes.split(separator: 0x0A)).compactMap(ItemError.init(json:))
        errorsTotal = Int64(entries.count)
        errorLines = entries.count { $0.attempt == attempt }
        firstErrors = Array(entries.prefix(JobResult.errorsLimit))
    }

    private static func parse(_ lines: some Sequence<ArraySlice<UInt8>>) -> [JSON] {
        lines.compactMap { line in
            do {
                return try JSON(parsing: Array(line))
            } catch {
                // Not written by a daemon; the lines around it still count.
                return nil
            }
        }
    }
}
