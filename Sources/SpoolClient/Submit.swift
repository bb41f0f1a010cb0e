/// Drops a request: whole, synced, in one step, and never over another request that nobody asked to replace.
import Glibc
import JSONText
public import SpoolProtocol
import SpoolStorage

/// A request as it was dropped.
public struct Submission: Sendable, Equatable {
    public let name: JobName
    /// Of the request file.
    public let path: String
    /// The version that was dropped: what tells the run that it asks for from those before and after.
    public let fingerprint: Fingerprint
    /// It took the place of a request of the same name.
    public let replaced: Bool
}

extension SpoolDirectory {
    /// Drops a request.
    /// - Parameters:
    ///   - name: nil for a new one such as `documents.sync-20260107T133312Z-4f2a`
    ///   - replace: an existing request of this name is replaced: the job runs again, after the run that is under way
    /// - Throws: `SpoolClientError`: `jobExists`, `invalidName`, `notPermitted`, `system`.
    public func submit(
        _ request: Request, name: JobName? = nil, replace: Bool = false
    ) throws(SpoolClientError) -> Submission {
        try submit(unchecked: request.json.indented, type: request.type, name: name, replace: replace)
    }

    /// Drops the text of a request as it is, once it was found right.
    /// - Throws: `SpoolClientError`: `invalidRequest`, and what the other `submit` throws.
    public func submit(
        json bytes: [UInt8], name: JobName? = nil, replace: Bool = false
    ) throws(SpoolClientError) -> Submission {
        let type: JobType
        do {
            type = try Request(checking: bytes).type
        } catch {
            throw .invalidRequest(error)
        }
        return try submit(unchecked: bytes, type: type, name: name, replace: replace)
    }

    /// Drops bytes as they are: the daemon may know fields that this program does not.
    /// - Parameter type: begins a generated name; nil for `job`
    public func submit(
        unchecked bytes: [UInt8], type: JobType? = nil, name: JobName? = nil, replace: Bool = false
    ) throws(SpoolClientError) -> Submission {
        if let name { return try drop(bytes, name, replace: replace) }
        // Two of the same second differ in four random digits: in the worst case another try finds a free name.
        while true {
            do {
                return try drop(bytes, newName(type?.string ?? "job"), replace: false)
            } catch .jobExists {
                continue
            }
        }
    }

    private func drop(_ bytes: [UInt8], _ name: JobName, replace: Bool) throws(SpoolClientError) -> Submission {
        guard let target = SpoolFile.request(name).fileName else { preconditionFailure("a request has a file name") }
        do throws(SpoolError) {
            let before = try root.stat(target)
            if before != nil, !replace { throw SpoolError(.rename, root.path(target), code: EEXIST) }
            let (scratch, fingerprint) = try writeTemporary(bytes, name, unlike: knownVersions(name))
            do throws(SpoolError) {
                if replace {
                    try root.rename(scratch, to: root, target)
                } else {
                    try root.moveToFreeName(scratch, target)
                }
            } catch {
                discard(scratch)
                throw error
            }
            try root.sync()
            return Submission(name: name, path: root.path(target), fingerprint: fingerprint, replaced: before != nil)
        } catch {
            if error.code == EEXIST { throw .jobExists(name) }
            throw SpoolClientError(error)
        }
    }

    /// Writes a hidden file, which no daemon looks at. Its time is moved on until it differs from the versions given:
    /// the clock of a file system goes in steps of milliseconds, and the same size at the same time is the same version.
    private func writeTemporary(
        _ bytes: [UInt8], _ name: JobName, unlike others: [Fingerprint]
    ) throws(SpoolError) -> (FileName, Fingerprint) {
        let scratch = FileName(".\(name).\(getpid())-\(UInt64.random(in: .min ... .max)).tmp")
        let file = try root.open(scratch, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
        do throws(SpoolError) {
            try file.write(bytes)
            while others.contains(try file.stat().fingerprint) {
                usleep(1000)
                try file.touch()
            }
            try file.sync()
            return (scratch, try file.stat().fingerprint)
        } catch {
            discard(scratch)
            throw error
        }
    }

    private func discard(_ scratch: FileName) {
        // What cannot be removed stays: it is hidden, and the error that is thrown matters more.
        do { try root.remove(scratch) } catch {}
    }
}

extension SpoolDirectory {
    /// Sorts by type, then by time of submission.
    private func newName(_ prefix: String) -> JobName {
        let random = String(UInt32.random(in: 0x10000...0x1FFFF), radix: 16).dropFirst()
        do {
            return try JobName("\(prefix)-\(Clock.now().compact)-\(random)")
        } catch {
            preconditionFailure("a type's name begins a job's name: \(error)")
        }
    }

    /// The versions of a request that a daemon may have seen.
    func knownVersions(_ name: JobName) throws(SpoolError) -> [Fingerprint] {
        let files = try JobFiles(root)
        var versions = [try files.requestStat(name)?.fingerprint]
        do {
            versions.append(try files.readStatus(name)?.0.request)
            versions.append(try files.readResult(name)?.0.status.request)
        } catch {
            // What cannot be read here cannot be compared; the request's own version is the one that matters.
        }
        return versions.compactMap(\.self)
    }
}
