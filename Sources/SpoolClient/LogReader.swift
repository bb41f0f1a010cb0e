/// Reads a job's log as it grows, line by line, from the beginning. A log that a new run replaced is read from its own
/// beginning.
import Glibc
public import SpoolProtocol
import SpoolStorage

/// Which of a job's two line files.
public enum LogKind: Sendable {
    /// `NAME.log.jsonl`
    case log
    /// `NAME.errors.jsonl`
    case errors

    func file(_ name: JobName) -> SpoolFile {
        switch self {
        case .log: .log(name)
        case .errors: .errors(name)
        }
    }
}

public struct LogReader: Sendable {
    private var files: JobFiles
    private let file: SpoolFile
    /// Where the last whole line ends: what comes after it may be cut off and written anew, when a daemon has died while it wrote.
    private var position: (file: FileStat, offset: Int64)?
    /// The file as it was when all of it had been read.
    private var seen: FileStat?
    private var unfinished: [UInt8] = []

    init(_ files: JobFiles, _ file: SpoolFile) {
        self.files = files
        self.file = file
    }

    /// The whole lines that have come since the last call, without their line breaks; none where there is no file.
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`.
    public mutating func next() throws(SpoolClientError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        while let part = try nextPart() { lines += part }
        return lines
    }

    /// The same a part after another, of about a megabyte each or a single line; nil when there is nothing new.
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`.
    public mutating func nextPart() throws(SpoolClientError) -> [[UInt8]]? {
        try storage { () throws(SpoolError) in try readPart() }?
            .split(separator: 0x0A, omittingEmptySubsequences: false).dropLast().map(Array.init)
    }

    /// Goes on in the archive when the job has gone there: the file is the same one.
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`.
    public mutating func follow(_ view: JobView) throws(SpoolClientError) {
        guard let family = view.archived,
            let directory = try storage({ () throws(SpoolError) in try family.open() })
        else { return }
        files = JobFiles(directory, daemonUser: files.daemonUser)
    }

    /// A last line without a line break: what a daemon that was killed left.
    public mutating func remainder() -> [UInt8]? {
        defer { unfinished = [] }
        return unfinished.isEmpty ? nil : unfinished
    }

    /// Whole lines, with their line breaks.
    private mutating func readPart() throws(SpoolError) -> [UInt8]? {
        guard let stat = try files.stat(file), let name = file.fileName, stat != seen else { return nil }
        let opened: Descriptor
        do {
            opened = try files.root.open(name, O_RDONLY)
        } catch  where error.code == ENOENT {
            return nil
        }
        // What was put in its place since is for the next call.
        guard try opened.stat().isSameFile(as: stat) else { return nil }
        var offset: Int64 = 0
        if let position, position.file.isSameFile(as: stat), stat.size >= position.offset { offset = position.offset }
        var limit = 1 << 20
        while true {
            let bytes = try opened.read(from: offset, limit: limit)
            if let end = bytes.lastIndex(of: 0x0A) {
                unfinished = Array(bytes[(end + 1)...])
                position = (stat, offset + Int64(end) + 1)
                return Array(bytes[...end])
            }
            if bytes.count < limit {
                unfinished = bytes
                position = (stat, offset)
                seen = stat
                return nil
            }
            limit *= 2
        }
    }
}

extension SpoolDirectory {
    /// The log or the item errors of a job: now, and, when read again, what came since.
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`.
    public func logs(of name: JobName, _ kind: LogKind = .log) throws(SpoolClientError) -> LogReader {
        LogReader(try storage { () throws(SpoolError) in try JobFiles(root) }, kind.file(name))
    }
}

extension SpoolDirectory {
    /// The log or the item errors of a job in the spool, or of an archived run.
    /// - Throws: `SpoolClientError`: `jobNotFound`, `notPermitted`, `system`.
    public func logs(of location: JobLocation, _ kind: LogKind = .log) throws(SpoolClientError) -> LogReader {
        guard let family = location.family else { return try logs(of: location.name, kind) }
        guard let files = try files(of: family) else { throw .jobNotFound(location.name.string) }
        return LogReader(files, kind.file(location.name))
    }
}
