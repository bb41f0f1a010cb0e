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
    private var position: (file: FileStat, offset: Int64)?
    private var unfinished: [UInt8] = []

    init(_ files: JobFiles, _ file: SpoolFile) {
        self.files = files
        self.file = file
    }

    /// The whole lines that have come since the last call, without their line breaks; none where there is no file.
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`.
    public mutating func next() throws(SpoolClientError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        while true {
            let chunk = try storage { () throws(SpoolError) in try readChunk() }
            if chunk.isEmpty { return lines }
            unfinished += chunk
            var rest = unfinished[...]
            while let end = rest.firstIndex(of: 0x0A) {
                lines.append(Array(rest[..<end]))
                rest = rest[(end + 1)...]
            }
            unfinished = Array(rest)
        }
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

    private mutating func readChunk() throws(SpoolError) -> [UInt8] {
        guard let stat = try files.stat(file), let name = file.fileName else { return [] }
        if let position, position.file.isSameFile(as: stat), stat.size >= position.offset {
            if stat.size == position.offset { return [] }
        } else {
            position = (stat, 0)
            unfinished = []
        }
        let opened: Descriptor
        do {
            opened = try files.root.open(name, O_RDONLY)
        } catch  where error.code == ENOENT {
            return []
        }
        // What was put in its place since is for the next call.
        guard try opened.stat().isSameFile(as: stat) else { return [] }
        let chunk = try opened.read(from: position?.offset ?? 0, limit: 1 << 20)
        position?.offset += Int64(chunk.count)
        return chunk
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
