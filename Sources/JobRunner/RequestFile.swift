/// Looks at a request file: opens it without following or waiting for anything, reads it, decodes it.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

enum RequestFile {
    case gone
    /// No request, and why.
    case refused(Refusal)
    /// A request; one that is still open for writing may yet change, be it in nothing but its times (`cp -p`).
    case valid(Request, FileStat, isBeingWritten: Bool)

    struct Refusal {
        var error: JobError
        var stat: FileStat
        /// It may be a request that is still being written.
        var mayChange: Bool
    }

    /// - Throws: `SpoolError` when the daemon cannot look: that says nothing about the request.
    /// - Parameter sync: wait until a valid request is on the disk.
    static func look(at name: JobName, in root: Directory, sync: Bool) throws(SpoolError) -> RequestFile {
        guard let file = SpoolFile.request(name).fileName, let entry = try root.stat(file) else { return .gone }
        guard entry.kind == .file else {
            let remedy = "a request is a regular file with JSON in it; remove this and drop one"
            return refused(entry, mayChange: false, "\(file) is \(entry.kind.rawValue): \(remedy)")
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
                    entry, mayChange: true,
                    "\(file) cannot be read by the daemon's user: make it readable (chmod a+r), then touch it")
            default: throw error
            }
        }
        return try read(opened, file, sync: sync)
    }

    private static func read(
        _ opened: borrowing Descriptor, _ file: FileName, sync: Bool
    ) throws(SpoolError) -> RequestFile {
        let isBeingWritten = opened.isBeingWritten()
        let before = try opened.stat()
        guard before.kind == .file else { return .gone }
        if before.size > Request.maximumBytes {
            return refused(
                before, mayChange: true,
                "\(file) has \(before.size) bytes; a request has at most \(Request.maximumBytes): give the handler a file's path in `params` instead of its content"
            )
        }
        let bytes = try opened.read(limit: Request.maximumBytes + 1)
        let after = try opened.stat()
        if after.fingerprint != before.fingerprint || bytes.count != Int(after.size) {
            return refused(after, mayChange: true, "\(file) changes while it is read")
        }
        do {
            let request = try Request(parsing: bytes)
            // What is accepted on the strength of this file must not be lost with it.
            if sync { try opened.syncData() }
            return .valid(request, after, isBeingWritten: isBeingWritten)
        } catch let error as JobError {
            // What is well-formed JSON is complete.
            let isSyntax = error.details["field"] == nil
            return .refused(Refusal(error: error, stat: after, mayChange: isSyntax))
        } catch let error as SpoolError {
            throw error
        } catch {
            preconditionFailure("neither a request's nor a file's error: \(error)")
        }
    }

    private static func refused(_ stat: FileStat, mayChange: Bool, _ message: String) -> RequestFile {
        .refused(Refusal(error: JobError(.invalidRequest, message), stat: stat, mayChange: mayChange))
    }
}
