/// A spool from outside: what clients put there and what anybody can read. Modification times are given, each once, for the
/// kernel's clock is too coarse to tell two changes in a millisecond apart.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization
import TestSupport

@testable import JobRunner

/// Something that must not be.
struct Violation: Error, CustomStringConvertible {
    let description: String
    /// What was seen before it, step by step.
    var trace: [String] = []

    init(_ description: String) { self.description = description }

    /// At once, on one line, for a run that takes long.
    static func tell(_ text: String) {
        let line = Array("violation: \(text.split(separator: "\n").joined(separator: " ").prefix(600))\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
}

final class SpoolFiles: Sendable {
    /// The directory's path; it goes with this object.
    let path: String
    let root: Directory
    /// The same, for changing it.
    private let client: Directory
    /// The jobs that are looked at.
    let names: [JobName]
    private let cache = Mutex(Cache())

    /// What has been read of files that are still the same: reading is most of the work.
    private struct Cache {
        var statuses: [JobName: (FileStat, JobStatus)] = [:]
        var results: [JobName: (FileStat, JobResult)] = [:]
    }

    /// - Parameter record: for a test that wants to see what clients write; it is given the path before.
    init(
        names: [JobName] = ScenarioGenerator.names, record: (String) throws -> SystemCalls = { _ in .real }
    ) throws {
        try needDescriptors()
        self.names = names
        let parent = quickDirectory
        var template = Array("\(parent)/jobspool-model-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SpoolError(.makeDirectory, parent, code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        root = try Directory.open(path)
        client = try Directory.open(path, system: try record(path))
    }

    deinit {
        do {
            let parent = try Directory.open(path + "/..")
            try parent.removeTree(FileName(String(path.split(separator: "/").last ?? "")))
        } catch {
            print("\(path) is left: \(error)")
        }
    }

    // MARK: Clients

    /// Renames a file into place.
    func put(_ text: String, as file: SpoolFile, time: Timestamp) throws {
        let scratch = FileName(".new.part")
        try client.open(scratch, O_WRONLY | O_CREAT | O_TRUNC).write(Array(text.utf8))
        try setTime(of: scratch, in: client, time)
        try client.rename(scratch, to: client, file.modelName)
    }

    @discardableResult
    func remove(_ file: SpoolFile) throws -> Bool { try client.remove(file.modelName) }

    func setTime(of name: FileName, in directory: Directory, _ time: Timestamp) throws {
        let (seconds, rest) = time.milliseconds.quotientAndRemainder(dividingBy: 1000)
        let spec = timespec(tv_sec: Int(seconds), tv_nsec: Int(rest) * 1_000_000)
        try directory.system.perform(.touch, directory.path(name)) {
            utimensat(directory.raw, name.string ?? "", [spec, spec], 0)
        }
    }

    // MARK: Reading

    func json(_ file: SpoolFile) throws -> JSON? {
        guard let bytes = try root.read(file.modelName) else { return nil }
        do {
            return try JSON(parsing: bytes)
        } catch {
            throw Violation("\(file.modelName) is torn: \(error): \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    func status(of name: JobName) throws -> JobStatus? {
        guard let stat = try root.stat(SpoolFile.status(name).modelName) else { return nil }
        if let (known, status) = cache.withLock({ $0.statuses[name] }), known == stat { return status }
        guard let json = try json(.status(name)) else { return nil }
        guard let status = JobStatus(json: json) else { throw Violation("no status: \(json.text)") }
        cache.withLock { $0.statuses[name] = (stat, status) }
        return status
    }

    func result(of name: JobName) throws -> JobResult? {
        guard let stat = try root.stat(SpoolFile.result(name).modelName) else { return nil }
        if let (known, result) = cache.withLock({ $0.results[name] }), known == stat { return result }
        guard let json = try json(.result(name)) else { return nil }
        guard let result = JobResult(json: json) else { throw Violation("no result: \(json.text)") }
        cache.withLock { $0.results[name] = (stat, result) }
        return result
    }

    func statuses() throws -> [JobName: JobStatus] {
        var statuses: [JobName: JobStatus] = [:]
        for name in names { statuses[name] = try status(of: name) }
        return statuses
    }

    func results() throws -> [JobName: JobResult] {
        var results: [JobName: JobResult] = [:]
        for name in names { results[name] = try result(of: name) }
        return results
    }

    func fingerprint(of name: JobName) throws -> Fingerprint? {
        try root.stat(SpoolFile.request(name).modelName)?.fingerprint
    }

    func isCancelled(_ name: JobName) throws -> Bool { try root.stat(SpoolFile.cancel(name).modelName) != nil }

    func isPaused() throws -> Bool { try root.stat(SpoolFile.pause.modelName) != nil }

    /// The whole lines of a file.
    func lines(_ file: SpoolFile) throws -> [JSON] {
        var offset = 0
        return try lines(file, from: &offset)
    }

    /// The whole lines of a file from a byte on, which then is the end of the last one.
    func lines(_ file: SpoolFile, from offset: inout Int) throws -> [JSON] {
        try Self.lines(file.modelName, in: root, from: &offset)
    }

    static func lines(_ name: FileName, in directory: Directory, from offset: inout Int) throws -> [JSON] {
        let bytes = try directory.read(name) ?? []
        guard bytes.count >= offset else { throw Violation("\(name) has become shorter") }
        let whole = bytes[offset..<max(offset, (bytes.lastIndex(of: 0x0A) ?? -1) + 1)]
        offset = whole.endIndex
        return try whole.split(separator: 0x0A).map { line in
            do {
                return try JSON(parsing: Array(line))
            } catch {
                throw Violation("\(name) has the line \(String(decoding: line, as: UTF8.self))")
            }
        }
    }

    /// The results of all families in the archive.
    func archived() throws -> [JobResult] { try archivedFamilies().map(\.result) }

    /// The families in the archive that have a result.
    func archivedFamilies() throws -> [ArchivedFiles] {
        guard let archive = try archive else { return [] }
        var families: [ArchivedFiles] = []
        try Self.walk(archive) { directory, file in
            // It may be deleted meanwhile.
            guard case .result = SpoolFile(file), let bytes = try directory.read(file) else { return }
            guard let result = JobResult(json: try JSON(parsing: bytes)) else {
                throw Violation("\(directory.path(file)) is no result")
            }
            families.append(ArchivedFiles(result: result, directory: directory))
        }
        return families
    }

    /// The directory `archive`, once it is there.
    var archive: Directory? {
        get throws {
            try root.stat(FileName(SpoolFile.archiveDirectory)) == nil
                ? nil : try root.directory(SpoolFile.archiveDirectory)
        }
    }

    private static func walk(_ directory: Directory, _ body: (Directory, FileName) throws -> Void) throws {
        for entry in try directory.entries() {
            // It may be deleted meanwhile.
            guard let stat = try directory.stat(entry) else { continue }
            if stat.kind == .directory {
                do {
                    try walk(try directory.directory(entry), body)
                } catch let error as SpoolError where error.code == ENOENT {}
            } else {
                try body(directory, entry)
            }
        }
    }

    /// The names in a directory of `.jobspool`; none where there is no such directory.
    func privateNames(_ directory: String) throws -> [String] {
        let path = "\(SpoolFile.privateDirectory)/\(directory)"
        return access("\(self.path)/\(path)", F_OK) == 0
            ? try Directory.open("\(self.path)/\(path)").entries().map(\.description).sorted() : []
    }
}

extension SpoolFile {
    var modelName: FileName {
        guard let name = fileName else { preconditionFailure("\(self) is no particular file") }
        return name
    }
}
