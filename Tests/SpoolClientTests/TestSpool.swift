/// A spool in a temporary directory, with files as a daemon would write them. It is gone with its last reference.
import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import SpoolStorage
import TestSupport

final class TestSpool: Sendable {
    let path: String
    let client: SpoolDirectory
    let root: Directory

    init() throws {
        try needDescriptors()
        var template = Array("/tmp/spool-client-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SpoolError(.makeDirectory, "/tmp", code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        client = try SpoolDirectory(path: path)
        root = try Directory.open(path)
    }

    deinit {
        do {
            for entry in try root.entries() { try root.removeTree(entry) }
        } catch {
            print("left behind: \(path): \(error)")
        }
        rmdir(path)
    }

    // MARK: Files

    func write(_ text: String, _ file: String) throws {
        try root.open(FileName(file), O_WRONLY | O_CREAT | O_TRUNC).write(Array(text.utf8))
    }

    func append(_ text: String, _ file: String) throws {
        try root.open(FileName(file), O_WRONLY | O_CREAT | O_APPEND).write(Array(text.utf8))
    }

    func read(_ file: String) throws -> String? {
        try root.read(FileName(file)).map { String(decoding: $0, as: UTF8.self) }
    }

    func exists(_ file: String) throws -> Bool { try root.stat(FileName(file)) != nil }

    /// The names in the spool, sorted.
    var files: [String] { get throws { try root.entries().map(\.description).sorted() } }

    /// Puts a file in as the daemon does: by renaming.
    func publish(_ json: JSON, _ file: SpoolFile) throws {
        let scratch = FileName(".published.tmp")
        try root.open(scratch, O_WRONLY | O_CREAT | O_TRUNC).write(json.indented)
        try root.rename(scratch, to: root, file.fileName!)
    }

    /// Moves a finished job to the archive as a daemon does; returns where it is.
    @discardableResult
    func archive(_ name: String) throws -> String {
        let spool = try Spool.open(path)
        var outcome = ArchiveOutcome.inUse
        // A process that another test has just forked has the request open for writing, until it becomes its program.
        for _ in 1...20_000 {
            outcome = try spool.archive(try JobName(name), cutoff: .latest, .daemon)
            guard case .inUse = outcome else { break }
            usleep(1000)
        }
        guard case .archived = outcome else {
            throw SpoolError(.rename, "\(name) is not archived: \(outcome)", code: 0)
        }
        guard let family = try ArchivedFamilies(root, owner: nil).newest(of: JobName(name)) else {
            throw SpoolError(.open, "\(name) is not in the archive", code: ENOENT)
        }
        return family.path
    }

    // MARK: Jobs

    /// Drops a request and returns its version.
    @discardableResult
    func drop(_ name: String, type: String = "documents.sync") throws -> Fingerprint {
        try write("{\"type\": \"\(type)\"}", "\(name).json")
        return try version(name)
    }

    func version(_ name: String) throws -> Fingerprint { try root.stat(FileName("\(name).json"))!.fingerprint }

    func makeStatus(
        _ name: String, _ standing: Standing, for request: Fingerprint, sequence: Int64 = 1,
        type: String = "documents.sync"
    ) throws -> JobStatus {
        let identity = JobIdentity(
            name: try JobName(name), jobID: Self.jobID(sequence), type: type, description: "Sync \(name)",
            lane: "default", sequence: sequence, dryRun: false, submittedBy: Users.name(of: geteuid()),
            createdAt: Timestamp(milliseconds: 1_767_792_792_000 + sequence), labels: [:])
        var status = JobStatus(
            identity: identity, standing: standing, updatedAt: identity.createdAt, message: "", request: request)
        if standing == .completed { status.outcome = .success }
        if standing.isOver { status.finishedAt = identity.createdAt }
        return status
    }

    static func jobID(_ sequence: Int64) -> String {
        let digits = String(sequence)
        return "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    func publish(_ status: JobStatus) throws { try publish(status.json, .status(status.identity.name)) }

    /// Publishes a result, and the status that goes with it.
    func end(_ status: JobStatus, result: JSON = .null) throws {
        try publish(JobResult(status: status, result: result).json, .result(status.identity.name))
        try publish(status)
    }

    /// A job in each state that the files can say, accepted in the order given.
    func makeJobs(_ jobs: [(name: String, standing: Standing, type: String)]) throws {
        for (index, job) in jobs.enumerated() {
            let version = try drop(job.name, type: job.type)
            let status = try makeStatus(
                job.name, job.standing, for: version, sequence: Int64(index + 1), type: job.type)
            if job.standing.isOver { try end(status) } else { try publish(status) }
        }
        try waitUntilWritten(jobs.map(\.name))
    }

    /// A process that another test has just forked has the requests open for writing, too, until it becomes its program.
    private func waitUntilWritten(_ names: [String]) throws {
        // Sent to one who asks while somebody opens the file for writing.
        signal(SIGIO, SIG_IGN)
        let deadline = Clock.monotonic() + 20
        for name in names {
            let request = FileName("\(name).json")
            while try root.open(request, O_RDONLY).isBeingWritten() {
                guard Clock.monotonic() < deadline else { throw SpoolError(.lock, root.path(request), code: EBUSY) }
                usleep(1000)
            }
        }
    }
}
