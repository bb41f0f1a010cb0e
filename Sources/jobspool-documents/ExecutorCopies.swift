/// The steps that bring something into the target.
import Glibc
import JobHandler

extension Executor {
    func makeFolder(_ step: Plan.Step) throws {
        let path = plan.path(of: step)
        guard !job.isDryRun else {
            changes.put(path)
            tally.folderCreated()
            return wouldDo("create directory", path)
        }
        let folder = try targetFolder(step)
        let name = jobspool_documents.name(plan.name(of: step))
        do {
            try systemCall("mkdir", display(path)) { mkdirat(folder.raw, name, 0o700) }
        } catch {
            guard error.errno == EEXIST else { throw error }
            do {
                try folder.checkIsFree(name, path)
            } catch let error as ItemError {
                refuse(folder: path, error)
                throw error
            }
            throw error
        }
        tally.folderCreated()
    }

    func copy(_ step: Plan.Step, as outcome: Tally.Outcome) throws {
        let path = plan.path(of: step)
        let name = jobspool_documents.name(plan.name(of: step))
        tally.working(on: path)
        let folder = try sourceFolder(step)
        let status = try FileStatus(of: name, in: folder, display(path))
        switch status.kind {
        case .regular:
            let file = try open(name, folder, path)
            try copy(file, name, path, step, as: outcome)
        case .symbolicLink:
            let destination = try SymbolicLink.destination(of: name, in: folder, display(path))
            if job.isDryRun {
                wouldCopy(path, outcome)
            } else {
                try SymbolicLink.create(
                    destination, as: name, in: targetFolder(step), modified: status.modified, path,
                    isNew: outcome == .created)
            }
            tally.finish(outcome, size: status.size, copied: true)
        case .directory, .special:
            throw SystemCallError(operation: "open", path: display(path), errno: EISDIR)
        }
    }

    private func wouldCopy(_ path: [UInt8], _ outcome: Tally.Outcome) {
        changes.put(path)
        wouldDo(outcome == .created ? "create" : "update", path)
    }

    /// Without waiting for the other end of what has become a FIFO since it was looked at.
    private func open(_ name: Name, _ folder: Descriptor, _ path: [UInt8]) throws(SystemCallError) -> Descriptor {
        try .open(name, in: folder, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, display(path))
    }

    private func copy(
        _ source: Descriptor, _ name: Name, _ path: [UInt8], _ step: Plan.Step, as outcome: Tally.Outcome
    ) throws {
        let before = try FileStatus(of: source, display(path))
        guard before.kind == .regular else {
            throw SystemCallError(operation: "open", path: display(path), errno: EISDIR)
        }
        if job.isDryRun {
            wouldCopy(path, outcome)
            return tally.finish(outcome, size: before.size, copied: true)
        }
        let folder = try targetFolder(step)
        let temporary = Leftover.newName()
        let file = try Descriptor.open(
            temporary, in: folder, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, display(path))
        do {
            // Tells other runs that this is no leftover.
            try systemCall("flock", display(path)) { flock(file.raw, LOCK_EX | LOCK_NB) }
            let copy = FileCopy(source: source, target: file, path: display(path)) { [tally, job] bytes in
                tally.working(on: path, bytes: bytes)
                try job.checkStopping()
            }
            let copied = try copy.copy(before)
            let after = try FileStatus(of: source, display(path))
            guard copied == before.size, after.isUnchanged(since: before) else {
                unlinkat(folder.raw, temporary, 0)
                return try tally.fail(.changedWhileCopied(path))
            }
            try systemCall("chmod", display(path)) { fchmod(file.raw, before.permissions) }
            var times = [timespec.omitted, before.modified]
            try systemCall("futimens", display(path)) { futimens(file.raw, &times) }
        } catch {
            unlinkat(folder.raw, temporary, 0)
            throw error
        }
        staged.add(
            StagedFiles.File(
                descriptor: file, temporary: temporary, name: name, folder: folder, path: path, size: before.size,
                outcome: outcome))
    }

    /// Same size at the scan; the contents decide. A file that somebody writes to behind the comparison is copied.
    func compare(_ step: Plan.Step) throws {
        let path = plan.path(of: step)
        let name = jobspool_documents.name(plan.name(of: step))
        tally.working(on: path)
        let source = try open(name, sourceFolder(step), path)
        let target = try open(name, targetFolder(step), path)
        let before = try FileStatus(of: source, display(path))
        let isEqual = try comparison.areEqual(source, target, display(path)) { [tally, job] bytes in
            tally.working(on: path, bytes: bytes)
            try job.checkStopping()
        }
        guard isEqual, try FileStatus(of: source, display(path)).isUnchanged(since: before) else {
            return try copy(step, as: .updated)
        }
        if Scanner.isEqual(before, try FileStatus(of: target, display(path))) {
            tally.finish(.skipped, size: before.size)
        } else {
            try setAttributes(step, of: before, size: before.size)
        }
    }

    /// The contents were equal at the scan. With another size or time since then they have to be compared: a target that gets
    /// the time of contents that it has not got is taken for equal ever after.
    func setAttributes(_ step: Plan.Step) throws {
        let path = plan.path(of: step)
        let name = jobspool_documents.name(plan.name(of: step))
        let status = try FileStatus(of: name, in: sourceFolder(step), display(path))
        let other = try FileStatus(of: name, in: targetFolder(step), display(path))
        if status.kind == .regular, other.kind == .regular,
            status.size != other.size || status.modified != other.modified
        {
            return try compare(step)
        }
        try setAttributes(step, of: status, size: 0)
    }

    /// - Parameter status: of the source's document, as it was when its contents were found equal.
    private func setAttributes(_ step: Plan.Step, of status: FileStatus, size: Int64) throws {
        let path = plan.path(of: step)
        let name = jobspool_documents.name(plan.name(of: step))
        if job.isDryRun {
            wouldDo("update time and mode of", path)
        } else {
            let folder = try targetFolder(step)
            // What it is may have changed since it was looked at, and chmod(2) would follow a link.
            let kind = try FileStatus(of: name, in: folder, display(path)).kind
            guard kind == status.kind else {
                throw SystemCallError(operation: "chmod", path: display(path), errno: ELOOP)
            }
            if kind == .regular {
                try systemCall("chmod", display(path)) {
                    fchmodat(folder.raw, name, status.permissions, AT_SYMLINK_NOFOLLOW)
                }
            }
            var times = [timespec.omitted, status.modified]
            try systemCall("utimensat", display(path)) {
                utimensat(folder.raw, name, &times, AT_SYMLINK_NOFOLLOW)
            }
        }
        tally.finish(.attributes, size: size)
    }
}

extension ItemError {
    static func changedWhileCopied(_ path: [UInt8]) -> ItemError {
        ItemError(
            item: display(path), code: "CHANGED_WHILE_COPIED",
            message: "\(display(path)) changed while it was copied: the target keeps what it had", retryable: true)
    }
}
