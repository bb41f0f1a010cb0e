/// What the scan makes of one name: the rules by which a document is created, updated, left alone or in conflict.
import Glibc
import JobHandler

extension Scanner {
    /// A name that the source has.
    /// - Parameters:
    ///   - found: what the name is to the target, and the target's directory; nil if it does not have it.
    func visit(
        _ name: UnsafePointer<CChar>, _ source: Descriptor, _ found: (Aliases.Finding, Descriptor)?,
        _ parentIsSelected: Bool
    ) throws {
        append(name)
        defer { removeName() }
        if Leftover.isOne(name) {
            if case .listed = found?.0 { add(.deleteLeftover) }
            return
        }
        do {
            let status = try FileStatus(of: name, in: source, display(path))
            let verdict = params.filter.verdict(
                path, isDirectory: status.kind == .directory, parentIsSelected: parentIsSelected)
            if verdict == .excluded { return }
            if status.kind != .special, let finding = found?.0,
                try isTaken(finding, isDirectory: status.kind == .directory, parentIsSelected)
            {
                return
            }
            let counterpart = found?.1
            let other: FileStatus? =
                if let counterpart { try FileStatus(of: name, in: counterpart, targetPath) } else { nil }
            switch status.kind {
            case .directory:
                try visitFolder(
                    name, status, source, other, counterpart, isSelected: verdict == .selected,
                    parentIsSelected: parentIsSelected)
            case .regular: try visitDocument(status, other, counterpart, name) { self.action(status, $0) }
            case .symbolicLink:
                try visitDocument(status, other, counterpart, name) { other in
                    try self.action(status, other, name, source, counterpart)
                }
            case .special:
                plan.special += 1
                if let other, other.kind != .directory { plan.targetDocuments += 1 }
                job.log("Skipped \(display(path)): it is a FIFO, a socket or a device")
            }
        } catch let error as SystemCallError {
            try fail(error)
        }
    }

    private func visitFolder(
        _ name: UnsafePointer<CChar>, _ status: FileStatus, _ source: Descriptor, _ other: FileStatus?,
        _ counterpart: Descriptor?, isSelected: Bool, parentIsSelected: Bool
    ) throws {
        let folder = try source.directory(name, display(path))
        var target: Descriptor?
        if let other, let counterpart {
            if other.kind == .directory {
                target = try counterpart.directory(name, targetPath)
            } else {
                plan.targetDocuments += 1
                let verdict = params.filter.verdict(path, isDirectory: false, parentIsSelected: parentIsSelected)
                guard params.delete, verdict == .selected else {
                    return try conflict("the source has a directory where the target has a document")
                }
                plan.documentsToDelete += 1
                replacing += 1
                add(.delete)
            }
        }
        enterFolder(isNew: target == nil)
        if isSelected { manage() }
        try merge(folder, target, isSelected: isSelected)
        leaveFolder(differs: other.map { $0.kind == .directory && !Self.isEqual(status, $0) } ?? true)
        if let other, other.kind != .directory { replacing -= 1 }
    }

    /// - Parameter action: what is to be done when the target has a document of that name; nil for nothing.
    private func visitDocument(
        _ status: FileStatus, _ other: FileStatus?, _ counterpart: Descriptor?, _ name: UnsafePointer<CChar>,
        _ action: (FileStatus) throws -> Plan.Action?
    ) throws {
        manage()
        switch other {
        case let other? where other.kind == .directory:
            guard let counterpart, try planDeletion(of: name, in: counterpart) else {
                return try conflict("the source has a document where the target has a directory")
            }
            replacing += 1
            add(.create, size: status.size)
            replacing -= 1
        case let other?:
            let action = try action(other)
            plan.targetDocuments += 1
            if let action { add(action, size: status.size) } else { plan.same += 1 }
        case nil:
            add(.create, size: status.size)
        }
        plan.documents += 1
        if status.kind == .regular, status.links > 1 { plan.hardLinks += 1 }
    }

    /// nil for a regular file that is equal.
    private func action(_ status: FileStatus, _ other: FileStatus) -> Plan.Action? {
        if other.kind != .regular || params.force || status.size != other.size { return .update }
        if params.comparison == .checksum || status.modified != other.modified { return .compare }
        return status.permissions == other.permissions ? nil : .attributes
    }

    /// nil for a symbolic link that is equal.
    private func action(
        _ status: FileStatus, _ other: FileStatus, _ name: UnsafePointer<CChar>, _ source: Descriptor,
        _ counterpart: Descriptor?
    ) throws -> Plan.Action? {
        guard other.kind == .symbolicLink, let counterpart, !params.force else { return .update }
        let wanted = try SymbolicLink.destination(of: name, in: source, display(path))
        let given = try SymbolicLink.destination(of: name, in: counterpart, targetPath)
        if wanted != given { return .update }
        return status.modified == other.modified ? nil : .attributes
    }

    /// Whether the target has something else under the name in hand, which would be overwritten. That is told.
    private func isTaken(_ finding: Aliases.Finding, isDirectory: Bool, _ parentIsSelected: Bool) throws -> Bool {
        let error: ItemError
        switch finding {
        case .listed: return false
        case .respelled(let other):
            let own = path.prefix(frames.last?.nameStart ?? 0) + other
            let verdict = params.filter.verdict(
                Array(own), isDirectory: isDirectory, parentIsSelected: parentIsSelected)
            if verdict != .excluded {
                plan.respelled += 1
                return false
            }
            error = .nameTaken(path, by: other, ", which is excluded")
        case .taken(let other): error = .nameTaken(path, by: other, ", which the source has as well")
        case .unknown:
            error = .nameTaken(path, by: nil)
            plan.scanErrors += 1
        }
        plan.documents += 1
        try tally.fail(error)
        return true
    }

    private func conflict(_ what: String) throws {
        plan.documents += 1
        try tally.fail(
            ItemError(
                item: display(path), code: "TYPE_CONFLICT",
                message: "\(what); it is replaced only with `delete`, and if nothing in it is excluded",
                retryable: false))
    }
}
