/// Jobs that run in the process of the test, so that something can happen in the middle of one.
import GRDB
import Glibc
import JSONText
import Testing

@testable import JobHandler
@testable import jobspool_library

extension Scratch {
    /// Runs `cache.refresh` of what is in `own` into cache.db.
    /// - Parameter meanwhile: happens whenever a document is about to be read.
    func refreshInProcess(_ more: JSONObject = [:], meanwhile: @escaping @Sendable () throws -> Void) async throws {
        var fields = JSONFields(refreshParams(more))
        let params = try RefreshParams(&fields)
        let output = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { close(output) }
        let queue = try LibraryDatabase.cache.open(params.cache, Patience(seconds: 5) { false })
        _ = try await Refresh(params, job(output), queue, BusyFetcher(meanwhile: meanwhile)).run()
    }

    /// Runs `cache.upload`, which dies just before or just after its first document gets its name in the target.
    func uploadInProcess(_ params: JSONObject, diesBefore: Bool = false) async throws {
        var fields = JSONFields(params)
        let upload = try CacheUpload(params: &fields)
        let output = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { close(output) }
        let queue = try LibraryDatabase.cache.open(upload.cache, Patience(seconds: 5) { false })
        let target = DyingTarget(
            directory: try DirectoryTarget(upload.target, isDryRun: false), diesBefore: diesBefore)
        _ = try await Upload(upload, job(output), queue, target).run()
    }

    /// Runs `cache.upload` to a target that has every name in small letters.
    func uploadFolding(_ params: JSONObject) async throws -> Run {
        var fields = JSONFields(params)
        let upload = try CacheUpload(params: &fields)
        let queue = try LibraryDatabase.cache.open(upload.cache, Patience(seconds: 5) { false })
        let target = FoldingTarget(directory: try DirectoryTarget(upload.target, isDryRun: false))
        let output = open(path + "/output", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(output) }
        let job = job(output)
        try job.result(try await Upload(upload, job, queue, target).run())
        return try Run(Child.End(status: 0, output: sh("cat output"), errors: ""))
    }

    private func job(_ output: Int32) -> Job {
        Job(request: JobRequest(), reporter: Reporter(descriptor: output), isStopRequested: { false })
    }
}

private struct BusyFetcher: DocumentFetcher {
    let meanwhile: @Sendable () throws -> Void

    func fetch(_ place: DocumentPlaces.Place) async throws(ItemError) -> [UInt8] {
        do {
            try meanwhile()
        } catch {
            Issue.record(error)
        }
        return try await FileFetcher().fetch(place)
    }
}

private struct FoldingTarget: UploadTarget {
    let directory: DirectoryTarget

    func hash(of name: String) async throws -> String? { try await directory.hash(of: name.lowercased()) }

    func takesForOne(_ name: String, _ other: String) async throws -> Bool {
        try await directory.takesForOne(name.lowercased(), other.lowercased())
    }

    func put(_ bytes: [UInt8], as name: String) async throws {
        try await directory.put(bytes, as: name.lowercased())
    }

    func delete(_ name: String) async throws { try await directory.delete(name.lowercased()) }
}

private struct DyingTarget: UploadTarget {
    let directory: DirectoryTarget
    let diesBefore: Bool

    func hash(of name: String) async throws -> String? { try await directory.hash(of: name) }

    func takesForOne(_ name: String, _ other: String) async throws -> Bool {
        try await directory.takesForOne(name, other)
    }

    func put(_ bytes: [UInt8], as name: String) async throws {
        if !diesBefore { try await directory.put(bytes, as: name) }
        throw JobStopped()
    }

    func delete(_ name: String) async throws { try await directory.delete(name) }
}
