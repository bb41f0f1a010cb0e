/// What stands in the way and cannot be moved: another user's file under the name of a job's output, in a sticky directory that is not
/// the daemon's own. Only its owner, the directory's owner and root may move it there. It stops the job that it is in the way of, and nothing
/// else: the job is rejected, or kept until there is room for its result; that is told once, and tried again now and then.
import Glibc
import Logging
import JSONText
import SpoolProtocol
import SpoolStorage

/// A file in the way.
struct Obstacle {
    let file: FileName
    /// nil when nobody can look at it (`RunnerUnlookable`).
    let stat: FileStat?

    var message: String {
        guard let stat else {
            return "\(file) cannot be looked at, nor be moved: somebody has mounted a file system there"
        }
        return
            "\(file) belongs to \(Users.name(of: stat.owner)), and the daemon may not move it out of this sticky directory, which is another user's"
    }
}

/// What has been told of, so that it is told once.
struct ToldObstacles {
    private var told: [FileName: Mark] = [:]

    /// A version of a file.
    private struct Mark: Equatable {
        let inode: UInt64
        let changed: Int64
    }

    /// True once for each version of a file.
    mutating func isNews(_ file: FileName, _ stat: FileStat) -> Bool {
        let mark = Mark(inode: stat.inode, changed: stat.changed)
        return told.updateValue(mark, forKey: file) != mark
    }

    func contains(_ file: FileName, _ stat: FileStat) -> Bool {
        told[file] == Mark(inode: stat.inode, changed: stat.changed)
    }

    mutating func forget(_ file: FileName) { told[file] = nil }

    mutating func forget(where isGone: (FileName) -> Bool) { told = told.filter { !isGone($0.key) } }
}

extension Runner {
    /// Said at the start, before it hurts anybody.
    func warnOfForeignStickyDirectory() throws(SpoolError) {
        let stat = try spool.root.stat()
        guard stat.mode & 0o1000 != 0, stat.mode & 0o022 != 0, ![stat.owner, 0].contains(geteuid()) else { return }
        let (owner, user) = (Users.name(of: stat.owner), Users.name(of: geteuid()))
        logger.warning(
            "\(spool.root.path) is sticky and belongs to \(owner): what others put in the place of a job's files cannot be moved away, nor can their cancel files be removed. Remedy: chown \(user) \(shellQuoted(spool.root.path))"
        )
    }

    // MARK: Before a job

    /// Moves aside what somebody put in the place of a job's outputs; returns what cannot be moved.
    func clearOutputs(of name: JobName) throws(SpoolError) -> Obstacle? {
        for output in [SpoolFile.result(name), .status(name), .log(name), .errors(name)] {
            if let obstacle = try clear(output) { return obstacle }
        }
        return nil
    }

    /// Moves aside what somebody put in the place of an output; returns what cannot be moved.
    func clear(_ output: SpoolFile) throws(SpoolError) -> Obstacle? {
        guard let obstacle = try obstacle(at: output) else { return nil }
        do {
            try spool.moveAside(obstacle.file)
        } catch  where error.isForbidden {
            return obstacle
        }
        return nil
    }

    func obstacle(at output: SpoolFile) throws(SpoolError) -> Obstacle? {
        guard let file = output.fileName else { return nil }
        do {
            guard let stat = try spool.root.stat(file), !stat.isFile(of: geteuid()) else { return nil }
            return Obstacle(file: file, stat: stat)
        } catch {
            if isOfOneFile(error, file) { return Obstacle(file: file, stat: nil) }
            throw error
        }
    }

    /// A request whose job could show nothing, or not everything, is rejected. Where not even that can be shown it is left alone until
    /// the file in the way has gone.
    func obstruct(_ name: JobName, _ stat: FileStat, _ request: Request?, _ obstacle: Obstacle) throws(SpoolError) {
        if obstacle.file == SpoolFile.result(name).fileName {
            if let stat = obstacle.stat, obstructions.isNews(obstacle.file, stat) {
                notice("\(name) cannot be taken in, nor be rejected: \(obstacle.message)")
            }
            return
        }
        let error = JobError(
            .invalidRequest,
            "\(obstacle.message): choose another name, or have that file removed, then touch this request",
            details: [
                "file": .string("\(obstacle.file)"), "user": JSON(obstacle.stat.map { Users.name(of: $0.owner) }),
            ])
        try reject(name, stat, request: request, error)
    }

    // MARK: At a job's end

    /// The job is over, but somebody holds its result's name. Its lane is free; what it came to is tried to be shown again later, and
    /// after a restart is found out again from what its attempt left.
    /// - Returns: false when it is not somebody's file that keeps the result from being written.
    func obstructEnd(of name: JobName) throws(SpoolError) -> Bool {
        guard var job = finishing[name], !job.isCommitted, let obstacle = try obstacle(at: .result(name)) else {
            return false
        }
        if !job.isObstructed {
            let why = "its result cannot be written: \(obstacle.message)"
            notice("\(name) is over (\(job.result.status.standing.rawValue)), but \(why)")
            var shown = job.result.status
            shown.message = "Over (\(shown.standing.rawValue)), but \(why)"
            // A job is over when it has a result.
            shown.standing = shown.startedAt == nil ? .pending : .running
            shown.outcome = nil
            shown.finishedAt = nil
            if !job.isUnheardOf { put(shown, .whole) }
        }
        job.isObstructed = true
        job.tryAgainAt = Clock.monotonic() + Self.obstaclePatience
        finishing[name] = job
        wake(at: job.tryAgainAt)
        leaveLane(job.result.status)
        show.isDirty = true
        return true
    }

    /// In seconds.
    static let obstaclePatience = 5.0

    // MARK: Cancel files

    /// Removes a cancel file whose effect is complete. One that cannot be removed is remembered, so that it has no effect again; when
    /// its owner touches it, it is another one.
    /// - Parameter stat: as it was looked at: another one that has come since stays.
    func dismissCancel(_ file: FileName, _ stat: FileStat) throws(SpoolError) -> Bool {
        do {
            if stat.kind == .directory { return try spool.root.remove(file) }
            return try spool.remove(file, ifStill: stat)
        } catch  where error.isForbidden || error.code == EISDIR {
            if let stat = try spool.root.stat(file), spentCancels.isNews(file, stat) {
                notice(
                    "\(file) cannot be removed, and counts for nothing from now on: \(Users.name(of: stat.owner)) or the spool directory's owner may remove it"
                )
            }
            return false
        }
    }
}
