/// The steps that take something out of the target, and the last ones, which give directories their times and modes.
import Glibc
import JobHandler

extension Executor {
    func delete(_ step: Plan.Step) throws {
        let path = plan.path(of: step)
        tally.working(on: path)
        if job.isDryRun {
            changes.delete(path)
            wouldDo("delete", path)
        } else {
            let folder = try targetFolder(step)
            try remove(step, from: folder, 0)
        }
        tally.finish(.deleted)
    }

    func deleteFolder(_ step: Plan.Step) throws {
        let path = plan.path(of: step)
        if job.isDryRun {
            changes.delete(path)
            wouldDo("delete directory", path)
        } else {
            let folder = try targetFolder(step)
            try remove(step, from: folder, AT_REMOVEDIR)
        }
        tally.folderDeleted()
    }

    /// What somebody else has removed meanwhile is gone, which is all that was wanted.
    private func remove(_ step: Plan.Step, from folder: Descriptor, _ flags: Int32) throws(SystemCallError) {
        do {
            try systemCall("unlink", display(plan.path(of: step))) {
                unlinkat(folder.raw, name(plan.name(of: step)), flags)
            }
        } catch {
            if error.errno != ENOENT { throw error }
        }
    }

    func deleteLeftover(_ step: Plan.Step) throws {
        guard !job.isDryRun else { return }
        let folder = try targetFolder(step)
        try Leftover.remove(name(plan.name(of: step)), in: folder, display(plan.path(of: step)))
    }

    /// Directories get their times and modes last, the deepest first: whatever happens in a directory changes its time.
    /// Then each is synced, and with it the names that it got; only then, because the first sync of many takes the
    /// others' changes along.
    func finishFolders(_ source: Descriptor, _ target: Descriptor) throws {
        try forEachFolder(target) { (folder, path, descriptor) throws(SystemCallError) in
            let status = try FileStatus(of: source.directory(below: path), display(path))
            let own = try FileStatus(of: descriptor, display(path))
            // The group that new files get in it is the target's affair.
            try systemCall("chmod", display(path)) { fchmod(descriptor.raw, status.permissions | own.identityBits) }
            modes[folder] = nil
            var times = [timespec.omitted, status.modified]
            try systemCall("futimens", display(path)) { futimens(descriptor.raw, &times) }
        }
        try forEachFolder(target) { (_, path, descriptor) throws(SystemCallError) in
            try systemCall("fsync", display(path)) { fsync(descriptor.raw) }
        }
    }

    private func forEachFolder(
        _ target: Descriptor, _ body: (UInt32, ArraySlice<UInt8>, Descriptor) throws(SystemCallError) -> Void
    ) throws {
        for folder in plan.finishing {
            try job.checkStopping()
            let path = plan.path(ofFolder: folder)
            if errorOfTaken(path) != nil { continue }
            do throws(SystemCallError) {
                try body(folder, path, target.directory(below: path))
            } catch {
                if let failure = JobFailure(ifHopeless: error) { throw failure }
                job.log("The directory \(display(path)) is not quite as in the source: \(error)", level: .warning)
            }
        }
    }
}
