/// The files of a finished job, and a look at where they all are.
import Foundation
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

struct FinishedFamily {
    let temporary: TemporarySpool
    let name: JobName
    let jobID: String
    let request: Fingerprint

    static let ended = Timestamp("2026-01-07T13:33:12.345Z")!
    static let day = "archive/2026/01/07"

    var files: [String] { ["json", "status.json", "log.jsonl", "errors.jsonl", "result.json"].map { "\(name).\($0)" } }
    var outputs: [String] { Array(files.dropFirst()) }
    var archived: String { "\(Self.day)/\(name)~\(jobID)" }

    /// Puts the files in as a daemon leaves them.
    init(
        _ temporary: TemporarySpool, _ name: String = "219", jobID: String = makeUUID(), ended: Timestamp = ended,
        standing: Standing = .completed, type: String = "documents.sync"
    ) throws {
        self.temporary = temporary
        self.name = try JobName(name)
        self.jobID = jobID
        try temporary.write("{\"type\": \"\(type)\"}", "\(name).json")
        request = try #require(try temporary.directory.stat(FileName("\(name).json"))).fingerprint
        // A process that another test is just starting has the file open for writing, too, until it executes its program.
        let deadline = Clock.monotonic() + 20
        while try temporary.directory.open(FileName("\(name).json"), O_RDONLY).isBeingWritten() {
            try #require(Clock.monotonic() < deadline)
            sched_yield()
        }
        let result: JSON = [
            "name": .string(name), "job_id": .string(jobID), "type": .string(type),
            "status": .string(standing.rawValue), "finished_at": .string("\(ended)"), "updated_at": .string("\(ended)"),
            "request": request.json,
        ]
        try temporary.write(result.text, "\(name).status.json")
        try temporary.write(result.text, "\(name).result.json")
        try temporary.write("log of \(jobID)\n", "\(name).log.jsonl")
        try temporary.write("errors of \(jobID)\n", "\(name).errors.jsonl")
    }

    /// Gives the result a time of its own, as if the job had ended then.
    func age(_ file: String? = nil, to time: Timestamp) throws {
        var times = [timespec(), timespec()]
        for index in 0...1 {
            times[index] = timespec(
                tv_sec: Int(time.milliseconds / 1000), tv_nsec: Int(time.milliseconds % 1000) * 1_000_000)
        }
        let path = "\(temporary.path)/\(file ?? "\(name).result.json")"
        try #require(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0)
    }

    // MARK: Looking

    /// The family's files in a directory: its outputs, and the request, if it is the version that ran.
    func files(in directory: String) -> Set<String> {
        Set(
            files.filter { file in
                var found = stat()
                guard lstat("\(temporary.path)/\(directory)/\(file)", &found) == 0 else { return false }
                return file != "\(name).json"
                    || request.seconds == Int64(found.st_mtim.tv_sec) && request.size == Int64(found.st_size)
                        && request.nanoseconds == Int64(found.st_mtim.tv_nsec)
            })
    }

    /// The version of the request in the spool runs, or would run.
    var isRunnable: Bool {
        get throws {
            guard let stat = try temporary.directory.stat(FileName("\(name).json")) else { return false }
            guard let text = temporary.read("\(name).result.json") else { return true }
            return Fingerprint(json: try JSON(parsing: text)["request"]) != stat.fingerprint
        }
    }

    /// Nothing is left half done.
    func checkNothingIsLeft(_ context: String) throws {
        for directory in ["archiving", "tmp", "trash"]
        where FileManager.default.fileExists(
            atPath: "\(temporary.path)/.jobspool/\(directory)")
        {
            #expect(try temporary.names(".jobspool/\(directory)") == [], "\(context)")
        }
    }

    /// All files are in one place, and nowhere else, and say what they said. Returns whether that is the archive.
    @discardableResult
    func checkIsWhole(withRequest: Bool = true, _ context: String) throws -> Bool {
        let expected = Set(withRequest ? files : outputs)
        let inSpool = files(in: ".").intersection(expected)
        let inArchive = files(in: archived)
        #expect([[], expected].contains(inSpool), "\(context): in the spool \(inSpool)")
        #expect([[], expected].contains(inArchive), "\(context): in the archive \(inArchive)")
        #expect(inSpool.isEmpty != inArchive.isEmpty, "\(context): \(inSpool) and \(inArchive)")
        let place = inArchive.isEmpty ? "." : archived
        #expect(temporary.read("\(place)/\(name).log.jsonl") == "log of \(jobID)\n", "\(context)")
        #expect(temporary.read("\(place)/\(name).errors.jsonl") == "errors of \(jobID)\n", "\(context)")
        for file in ["status.json", "result.json"] {
            #expect(
                try JSON(parsing: temporary.read("\(place)/\(name).\(file)") ?? "")["job_id"]?.string == jobID,
                "\(context)")
        }
        return !inArchive.isEmpty
    }
}

extension SystemCalls {
    /// Does something before the N-th call, as somebody else could at that moment.
    static func interrupted(at target: Int, _ body: @escaping @Sendable () -> Void) -> SystemCalls {
        let fault = Fault(0)
        return SystemCalls { _, _ in
            if fault.count() == target { body() }
            return nil
        }
    }
}
