/// The items that failed in an earlier job, from its errors file. A job that the daemon runs is told where the spool is
/// ($JOBSPOOL_SPOOL_DIR) and names that job: what counts is its last run that is over, which is in the spool, or in the archive when
/// the name has been used again or the time has come. A handler that is run by hand takes a path.
import Glibc
import JSONText
import JobHandler

enum ErrorsFile {
    /// - Parameter job: a job's name, or an absolute path.
    /// - Returns: no items when none failed.
    /// - Throws: `JobFailure` ERRORS_MISSING when there is no such job, INVALID_PARAMS for what is no name.
    static func items(of name: String, _ job: Job) throws -> RetryItems {
        guard let path = try path(of: name) else {
            job.log("Nothing to retry: no item of \(name.printable(limit: 200)) failed")
            return RetryItems([])
        }
        var items: [String] = []
        do {
            let lines = try FileBuffer(path)
            while let line = try lines.nextLine() {
                if line.isEmpty { continue }
                if let item = try JSON(parsing: line)["item"]?.string { items.append(item) }
            }
        } catch let error as JSONSyntaxError {
            throw JobFailure("ERRORS_UNREADABLE", "\(path) is no errors file: \(error)")
        }
        let retry = RetryItems(items)
        job.log("Retrying \(retry.count) items of \(path)")
        return retry
    }

    /// - Returns: nil when no item failed.
    private static func path(of name: String) throws -> String? {
        guard let spool = getenv("JOBSPOOL_SPOOL_DIR").map({ String(cString: $0) }), !spool.isEmpty else {
            return try pathByHand(name)
        }
        // Nothing that leads out of the spool.
        guard !name.utf8.contains(UInt8(ascii: "/")), name.utf8.first != UInt8(ascii: "."),
            !name.utf8.contains(where: { $0 < 0x20 })
        else {
            throw JobFailure.invalidParams(field: "params.retry_of", "`params.retry_of` must be a job's name")
        }
        guard let directory = isOver(name, in: spool) ? spool : archived(name, in: spool) else {
            throw missing("there is no job \(name.printable(limit: 200)) that is over, in the spool or in its archive")
        }
        let path = "\(directory)/\(name).errors.jsonl"
        if isOwn(path) { return path }
        guard let failed = try errorsTotal(of: "\(directory)/\(name).result.json") else {
            throw missing("the result of \(name.printable(limit: 200)) is gone")
        }
        if failed == 0 { return nil }
        throw missing("\(failed) items of \(name.printable(limit: 200)) failed, and their file \(path) is gone")
    }

    private static func pathByHand(_ name: String) throws(JobFailure) -> String {
        guard name.utf8.first == UInt8(ascii: "/") else {
            throw .invalidParams(
                field: "params.retry_of",
                "`params.retry_of` is a job's name, and JOBSPOOL_SPOOL_DIR does not say where the spool is: give the path of "
                    + "its errors file")
        }
        guard access(name, R_OK) == 0 else { throw missing("\(name) is not there, or may not be read") }
        return name
    }

    private static func missing(_ message: String) -> JobFailure { JobFailure("ERRORS_MISSING", message) }

    private static func errorsTotal(of result: String) throws -> Int? {
        guard isOwn(result) else { return nil }
        let text = try FileBuffer(result)
        while try text.more() {}
        let bytes = UnsafeBufferPointer(start: text.base + text.start, count: text.count)
        return try JSON(parsing: bytes)["errors_total"]?.int ?? 0
    }

    // MARK: Which run

    /// Whether the spool itself has the end of a run. While the name's next run is at work, it has not.
    private static func isOver(_ name: String, in directory: String) -> Bool {
        isOwn("\(directory)/\(name).result.json")
    }

    /// The directory of the run that ended last.
    private static func archived(_ name: String, in spool: String) -> String? {
        let days = paths("\(escaped(spool))/archive/[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9]").sorted(by: >)
        for day in days {
            let results = paths("\(escaped(day))/\(escaped(name))~*/\(escaped(name)).result.json").filter(isOwn)
            if let last = results.max(by: { time(of: $0) < time(of: $1) }) {
                return last.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            }
        }
        return nil
    }

    private static func paths(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    }

    private static func escaped(_ name: String) -> String {
        name.unicodeScalars.map { "*?[\\".unicodeScalars.contains($0) ? "\\\($0)" : "\($0)" }.joined()
    }

    // MARK: Files

    /// A file of the daemon's, which this runs as: what somebody else has put there counts for nothing.
    private static func isOwn(_ path: String) -> Bool {
        status(of: path).map { $0.st_mode & S_IFMT == S_IFREG && $0.st_uid == geteuid() } ?? false
    }

    private static func time(of path: String) -> Int {
        status(of: path).map { $0.st_mtim.tv_sec * 1_000_000_000 + $0.st_mtim.tv_nsec } ?? 0
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }
}
