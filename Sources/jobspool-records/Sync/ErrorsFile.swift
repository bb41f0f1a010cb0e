/// The items that failed in an earlier job, from its errors file: given by its path, or by the job's name, which is looked for in
/// the spool that $JOBSPOOL_SPOOL_DIR names, and then in its archive.
import Glibc
import JSONText
import JobHandler

enum ErrorsFile {
    /// - Parameter job: a path that begins with /, or a name.
    /// - Throws: `JobFailure` ERRORS_MISSING when there is no such file.
    static func items(of name: String, _ job: Job) throws -> RetryItems {
        let path = try path(of: name)
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

    private static func path(of name: String) throws(JobFailure) -> String {
        if name.utf8.first == UInt8(ascii: "/") {
            guard access(name, R_OK) == 0 else { throw missing("\(name) is not there, or may not be read") }
            return name
        }
        guard let spool = getenv("JOBSPOOL_SPOOL_DIR").map({ String(cString: $0) }) else {
            throw .invalidParams(
                field: "params.retry_of",
                "`params.retry_of` is a job's name, and JOBSPOOL_SPOOL_DIR does not say where the spool is: give the path of "
                    + "its errors file")
        }
        guard !name.contains("/") else {
            throw .invalidParams(field: "params.retry_of", "`params.retry_of` must be a name or an absolute path")
        }
        let current = "\(spool)/\(name).errors.jsonl"
        if access(current, R_OK) == 0 { return current }
        guard let archived = newest("\(spool)/archive/*/*/*/\(escaped(name))~*/\(escaped(name)).errors.jsonl") else {
            throw missing(
                "the job \(name) has no errors file in \(spool) or its archive: no item of it failed, or it is gone")
        }
        return archived
    }

    private static func missing(_ message: String) -> JobFailure { JobFailure("ERRORS_MISSING", message) }

    /// The file that was changed last.
    private static func newest(_ pattern: String) -> String? {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return nil }
        let paths = (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
        return paths.max { time(of: $0) < time(of: $1) }
    }

    private static func time(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec : 0
    }

    private static func escaped(_ name: String) -> String {
        name.map { "*?[\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
    }
}
