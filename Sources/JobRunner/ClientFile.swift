/// Looks at a file that a client wrote, a request or a schedule: opens it without following or waiting for anything, reads
/// it, decodes it.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

enum ClientFile<Content> {
    case gone
    /// None, and why.
    case refused(Refusal)
    /// What it says. A file that is still open for writing may yet change, be it in nothing but its times (`cp -p`).
    case valid(Content, FileStat, isBeingWritten: Bool)

    struct Refusal {
        var error: JobError
        var stat: FileStat
        /// It may still be being written.
        var mayChange: Bool
        /// It was read whole: what is wrong is what it says.
        var isRead = false
    }
}

typealias RequestFile = ClientFile<Request>

extension ClientFile<Request> {
    /// - Throws: `SpoolError` when the daemon cannot look: that says nothing about the request.
    static func look(at name: JobName, in root: Directory) throws(SpoolError) -> Self {
        guard let file = SpoolFile.request(name).fileName else { return .gone }
        let kind = ClientFileKind(
            what: "a request", code: .invalidRequest, maximumBytes: Request.maximumBytes,
            remedy: "give the handler a file's path in `params` instead of its content"
        ) { bytes throws(JobError) in try Request(parsing: bytes) }
        return try look(at: file, kind, in: root)
    }
}

typealias ScheduleFile = ClientFile<Schedule>

extension ClientFile<Schedule> {
    /// - Throws: `SpoolError` when the daemon cannot look: that says nothing about the schedule.
    static func look(at name: JobName, in root: Directory) throws(SpoolError) -> Self {
        guard let file = SpoolFile.schedule(name).fileName else { return .gone }
        let kind = ClientFileKind(
            what: "a schedule", code: .invalidSchedule, maximumBytes: Schedule.maximumBytes,
            remedy: "give the handler a file's path in `params` instead of its content"
        ) { bytes throws(JobError) in try Schedule(parsing: bytes) }
        return try look(at: file, kind, in: root)
    }
}

// MARK: - Any kind

/// What a client's file is to be.
private struct ClientFileKind<Content> {
    /// With its article.
    let what: String
    /// Of the errors.
    let code: JobError.Code
    let maximumBytes: Int
    /// What to do about one that is too large.
    let remedy: String
    let parse: ([UInt8]) throws(JobError) -> Content
}

extension ClientFile {
    private static func look(
        at file: FileName, _ kind: ClientFileKind<Content>, in root: Directory
    ) throws(SpoolError) -> Self {
        guard let entry = try root.stat(file) else { return .gone }
        guard entry.kind == .file else {
            let remedy = "\(kind.what) is a regular file with JSON in it; remove this and drop one"
            return refused(kind, entry, mayChange: false, "\(file) is \(entry.kind.rawValue): \(remedy)")
        }
        let opened: Descriptor
        do {
            opened = try root.open(file, O_RDONLY)
        } catch {
            switch error.code {
            case ENOENT: return .gone
            // Changed since stat(2): what it is now will be seen with its own hint.
            case ELOOP, ENXIO: return .gone
            case EACCES, EPERM:
                return refused(
                    kind, entry, mayChange: true,
                    "\(file) cannot be read by the daemon's user: make it readable (chmod a+r), then touch it")
            // fcntl(2), F_SETLEASE: who has it is asked to give it back, which this does not wait for.
            case EWOULDBLOCK:
                return refused(
                    kind, entry, mayChange: true,
                    "\(file) is held by another program's lease (F_SETLEASE): touch it when that program has given it back, or drop a copy (cp)"
                )
            default: throw error
            }
        }
        return try read(opened, file, kind)
    }

    private static func read(
        _ opened: borrowing Descriptor, _ file: FileName, _ kind: ClientFileKind<Content>
    ) throws(SpoolError) -> Self {
        let isBeingWritten = opened.isBeingWritten()
        let before = try opened.stat()
        guard before.kind == .file else { return .gone }
        if before.size > kind.maximumBytes {
            return refused(
                kind, before, mayChange: true,
                "\(file) has \(before.size) bytes; \(kind.what) has at most \(kind.maximumBytes): \(kind.remedy)")
        }
        let bytes = try opened.read(limit: kind.maximumBytes + 1)
        let after = try opened.stat()
        if after.fingerprint != before.fingerprint || bytes.count != Int(after.size) {
            return refused(kind, after, mayChange: true, "\(file) changes while it is read")
        }
        let content: Content
        do {
            content = try kind.parse(bytes)
        } catch {
            // What is well-formed JSON is complete.
            let isSyntax = error.details["field"] == nil
            return .refused(Refusal(error: error, stat: after, mayChange: isSyntax, isRead: true))
        }
        return .valid(content, after, isBeingWritten: isBeingWritten)
    }

    private static func refused(
        _ kind: ClientFileKind<Content>, _ stat: FileStat, mayChange: Bool, _ message: String
    ) -> Self {
        .refused(Refusal(error: JobError(kind.code, message), stat: stat, mayChange: mayChange))
    }
}
