/// What the target has and the source has not: planned for deletion if `delete` is set and the filter selects it, left
/// alone otherwise. A directory goes when nothing in it stays.
import Glibc
import JobHandler

extension Scanner {
    /// A name that only the target has.
    func visitExtra(_ name: UnsafePointer<CChar>, _ target: Descriptor, _ parentIsSelected: Bool) throws {
        append(name)
        defer { removeName() }
        if Leftover.isOne(name) { return add(.deleteLeftover) }
        do {
            _ = try planExtra(name, target, parentIsSelected)
        } catch let error as SystemCallError {
            try fail(error)
        }
    }

    /// Plans to delete a directory of the target, named by the path in hand, with all that is in it.
    /// - Returns: false, with nothing planned, when it has to stay or `delete` is not set.
    func planDeletion(of name: UnsafePointer<CChar>, in parent: Descriptor) throws -> Bool {
        guard params.delete else { return false }
        let before = (plan.replacements.count, plan.documentsToDelete, plan.targetDocuments)
        replacing += 1
        defer { replacing -= 1 }
        let isSelected = params.filter.verdict(onDirectory: RelativePath(bytes: path)) == .selected
        if isSelected, try planFolder(name, parent, isSelected: true) { return true }
        plan.replacements.removeLast(plan.replacements.count - before.0)
        plan.documentsToDelete = before.1
        plan.targetDocuments = before.2
        return false
    }

    /// - Returns: whether it goes.
    private func planExtra(
        _ name: UnsafePointer<CChar>, _ parent: Descriptor, _ parentIsSelected: Bool
    ) throws -> Bool {
        let status = try FileStatus(of: name, in: parent, targetPath)
        let isFolder = status.kind == .directory
        let verdict = params.filter.verdict(path, isDirectory: isFolder, parentIsSelected: parentIsSelected)
        if verdict == .excluded { return false }
        if isFolder {
            return try params.delete && planFolder(name, parent, isSelected: verdict == .selected)
        }
        plan.targetDocuments += 1
        guard params.delete else { return false }
        plan.documentsToDelete += 1
        add(.delete)
        return true
    }

    private func planFolder(
        _ name: UnsafePointer<CChar>, _ parent: Descriptor, isSelected: Bool
    ) throws -> Bool {
        try job.checkStopping()
        let folder = try parent.directory(name, targetPath)
        let listing = try Listing(of: folder, targetPath)
        enterFolder(isNew: false)
        var goes = isSelected || listing.count > 0
        for index in 0..<listing.count {
            let isGone = try listing.withName(index) { name in
                append(name)
                defer { removeName() }
                if Leftover.isOne(name) {
                    add(.deleteLeftover)
                    return true
                }
                do {
                    return try planExtra(name, folder, isSelected)
                } catch let error as SystemCallError {
                    try fail(error)
                    return false
                }
            }
            goes = goes && isGone
        }
        leaveFolder(isOurs: false)
        append(name)
        if goes { add(.deleteFolder) }
        return goes
    }
}
