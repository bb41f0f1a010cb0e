/// The requests that no daemon has seen, and what a daemon will say of them.
import Glibc
package import SpoolProtocol
package import SpoolStorage

package struct UnseenRequest: Sendable {
    package var name: JobName
    package var owner: UInt32
    /// nil when it could not be read here, or is wrong.
    package var request: Request?
    /// Why it will be rejected, as far as its file tells.
    package var problem: JobError?
    /// Somebody is still writing it.
    package var isBeingWritten = false
    /// This process may not read it.
    package var isHidden = false

    package init(name: JobName, owner: UInt32, request: Request? = nil, problem: JobError? = nil) {
        self.name = name
        self.owner = owner
        self.request = request
        self.problem = problem
    }
}

extension SpoolDirectory {
    /// Looks at a request as the daemon will; nil when there is none.
    /// - Parameter daemon: who will have to read it; nil when that is not known
    /// - Throws: `SpoolClientError`: `system`.
    package func examine(_ name: JobName, for daemon: Account?) throws(SpoolClientError) -> UnseenRequest? {
        try storage { () throws(SpoolError) in
            guard let file = SpoolFile.request(name).fileName, let stat = try root.stat(file) else { return nil }
            var unseen = UnseenRequest(name: name, owner: stat.owner)
            if stat.kind != .file {
                unseen.problem = JobError(
                    .invalidRequest,
                    "it is \(stat.kind.rawValue), and a request is a regular file: remove it and drop one")
                return unseen
            }
            if let daemon, !FileAccess(stat).allows(.read, to: daemon) {
                unseen.problem = JobError(
                    .invalidRequest,
                    "the daemon's user \(Users.name(of: daemon.user)) may not read it: make it readable (chmod a+r), then touch it"
                )
                return unseen
            }
            try read(file, into: &unseen)
            return unseen
        }
    }

    private func read(_ file: FileName, into unseen: inout UnseenRequest) throws(SpoolError) {
        do {
            let opened = try root.open(file, O_RDONLY)
            unseen.isBeingWritten = opened.isBeingWritten()
            unseen.request = try Request(checking: try opened.read(limit: Request.maximumBytes + 1))
        } catch let error as JobError {
            unseen.problem = error
        } catch let error as SpoolError {
            // A daemon may read what this process may not; what has gone is no request any more.
            if [EACCES, EPERM].contains(error.code) {
                unseen.isHidden = true
            } else if error.code != ENOENT {
                throw error
            }
        } catch {
            preconditionFailure("neither a request's nor a file's error: \(error)")
        }
    }

    /// Those of a spool, up to a limit, by name.
    package func unseenRequests(
        in inventory: SpoolInventory, for daemon: Account?, limit: Int
    ) throws(SpoolClientError) -> [UnseenRequest] {
        let files = try storage { () throws(SpoolError) in try JobFiles(root) }
        var found: [UnseenRequest] = []
        for name in inventory.perhapsUnseen where found.count < limit {
            if inventory.families[name]?.result != nil {
                // A change of mode, for example, is no new version.
                guard case .dropped = try view(of: name, files)?.state else { continue }
            }
            if let unseen = try examine(name, for: daemon) { found.append(unseen) }
        }
        return found
    }
}
