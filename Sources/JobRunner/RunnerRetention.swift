/// Retention: finished families move to the archive when they are old enough, and archived ones are deleted. A pass over the
/// spool goes in small batches, between which the runner hears other news; what a pass cannot move it leaves whole.
import Logging
import SpoolProtocol
import SpoolStorage

/// Where a pass is.
struct RetentionState {
    var step = Step.resting
    // In this pass
    var archived = 0
    var deleted = 0
    var failures = 0
    /// The jobs with a result that are still to be looked at.
    var found: [JobName] = []
    /// Families whose request belongs to somebody who alone may move it: until when they are not tried again.
    var immovable: [JobName: Double] = [:]

    enum Step {
        case resting
        /// The jobs with a result are looked for.
        case listing(DirectoryListing)
        case archiving
        /// The days that are still to be looked at, the next one last; and what is to be deleted of the one before.
        case deleting([ArchiveDay], ArchiveDay?, [ArchivedFamily])
    }
}

extension Runner {
    /// How many families are moved before other news is heard, and how many files are looked at for it.
    private static let moves = 64
    private static let looks = 1024
    /// So many failures are the disk's, not a family's: the pass is given up.
    private static let failuresLimit = 3
    /// After a failed pass, and for a family that cannot be moved, in seconds.
    private static let patience = 60.0
    private static let immovablePatience = 3600.0

    /// Completes what a daemon or a `prune` that died had begun. Whatever cannot be completed is legal as it is.
    func tidyArchive() {
        do throws(SpoolError) {
            try spool.completeArchiving()
            if let error = try spool.clearTrash() { logger.error("archive: \(error)") }
        } catch {
            retentionFailed(error)
        }
    }

    private func beginPass() {
        (retention.archived, retention.deleted, retention.failures) = (0, 0, 0)
        tidyArchive()
        do throws(SpoolError) {
            let isKept = configuration.retention.archiveAfter == .never
            retention.found = []
            if isKept { retention.step = .archiving } else { try list(DirectoryListing(of: spool.root)) }
        } catch {
            retentionFailed(error)
            retention.step = .resting
        }
    }

    /// One batch, and then the next: there is always one `retain` to come, in the mailbox or after a while.
    func retain() {
        guard stopping == nil else { return }
        guard Clock.monotonic() >= troubleUntil else {
            put(.retain, after: troubleUntil - Clock.monotonic())
            return
        }
        do throws(SpoolError) {
            switch retention.step {
            case .resting: beginPass()
            case .listing(let listing): try list(listing)
            case .archiving: try archiveBatch()
            case .deleting(let days, let day, let families): try deleteBatch(days, day, families)
            }
        } catch {
            retentionFailed(error)
            retention.step = .resting
        }
        if retention.failures >= Self.failuresLimit { retention.step = .resting }
        if case .resting = retention.step {
            endPass()
        } else {
            mailbox.put(.retain)
        }
    }

    private func endPass() {
        retention.found = []
        if retention.archived + retention.deleted > 0 {
            logger.info(
                "retention", metadata: ["archived": "\(retention.archived)", "deleted": "\(retention.deleted)"])
        }
        let interval = configuration.retention.interval
        put(.retain, after: retention.failures > 0 ? max(interval, Self.patience) : interval)
    }

    // MARK: Archiving

    private func list(_ listing: DirectoryListing) throws(SpoolError) {
        retention.step = .listing(listing)
        for _ in 0..<Self.looks {
            guard let entry = try listing.next() else {
                retention.step = .archiving
                return
            }
            if case .result(let name) = SpoolFile(entry) { retention.found.append(name) }
        }
    }

    private func archiveBatch() throws(SpoolError) {
        guard let cutoff = configuration.retention.archiveAfter.cutoff(at: Clock.now()), !retention.found.isEmpty else {
            retention.found = []
            try beginDeleting()
            return
        }
        var days: Set<ArchiveDay> = []
        var moves = 0
        for _ in 0..<Self.looks {
            guard moves < Self.moves, retention.failures < Self.failuresLimit, let name = retention.found.popLast()
            else { break }
            if let day = try archive(name, cutoff) {
                moves += 1
                days.insert(day)
            }
        }
        retention.archived += moves
        if !days.isEmpty { try spool.syncArchive(days) }
    }

    /// Moves one family, if it is due and nothing is to be done about its name; returns where it is now.
    private func archive(_ name: JobName, _ cutoff: Timestamp) throws(SpoolError) -> ArchiveDay? {
        guard !isBusy(name), retention.immovable[name, default: 0] <= Clock.monotonic() else { return nil }
        do throws(SpoolError) {
            switch try spool.archive(name, cutoff: cutoff, .daemon) {
            case .archived(let run, let requestIsNew):
                retention.immovable[name] = nil
                if requestIsNew, let request = SpoolFile.request(name).fileName { look(at: request) }
                return run.day
            case .notDue, .inUse: return nil
            case .immovable(_, let why):
                tellImmovable(name, why)
                return nil
            }
        } catch {
            if !isOfOneFile(error, of: [name]) { retentionFailed(error) }
            return nil
        }
    }

    /// Whether the runner has to do with the name, or has heard of something new about it.
    private func isBusy(_ name: JobName) -> Bool {
        if pending[name] != nil || running[name] != nil || finishing[name] != nil || settling[name] != nil {
            return true
        }
        return [SpoolFile.request(name), .cancel(name)].contains { file in file.fileName.map(names.contains) ?? false }
    }

    /// Told once: where one family is immovable, many are.
    private func tellImmovable(_ name: JobName, _ why: String) {
        if retention.immovable.isEmpty {
            let message =
                "finished jobs stay in the spool whose requests cannot be moved to the archive, \(name) first: \(why)"
            notice(message)
        }
        retention.immovable[name] = Clock.monotonic() + Self.immovablePatience
    }

    // MARK: Deleting

    private func beginDeleting() throws(SpoolError) {
        guard configuration.retention.deleteArchivedAfter != .never else {
            retention.step = .resting
            return
        }
        retention.step = .deleting(try spool.archivedFamilies().days(), nil, [])
    }

    private func deleteBatch(
        _ days: [ArchiveDay], _ day: ArchiveDay?, _ families: [ArchivedFamily]
    ) throws(SpoolError) {
        guard let cutoff = configuration.retention.deleteArchivedAfter.cutoff(at: Clock.now()) else { return }
        var families = families
        for family in families.suffix(Self.moves) {
            families.removeLast()
            delete(family)
        }
        if !families.isEmpty {
            retention.step = .deleting(days, day, families)
            return
        }
        if let day { try spool.removeIfEmpty(day) }
        // The oldest day is the last one.
        guard let next = days.last, next.age(at: cutoff) != .notDue else {
            for feed in try spool.archivedFamilies().expiredFeeds(cutoff: cutoff) { try spool.delete(feed) }
            retention.step = .resting
            return
        }
        retention.step = .deleting(
            days.dropLast(), next, try spool.archivedFamilies().expired(on: next, cutoff: cutoff))
    }

    private func delete(_ family: ArchivedFamily) {
        do throws(SpoolError) {
            if try spool.delete(family) { retention.deleted += 1 }
        } catch  where error.isForbidden && error.path.hasPrefix("\(spool.home.path)/") {
            // It is no trouble of the disk's: out of the archive it is, and something of it stays in the trash.
            logger.error("archive: \(error)")
        } catch {
            retentionFailed(error)
        }
    }

    // MARK: Trouble

    /// Without `tell`, which would let everything else wait: jobs go on, families stay where they are.
    private func retentionFailed(_ error: SpoolError) {
        retention.failures += 1
        logger.error("archive: \(error)")
        show.trouble = error
        show.troubleAt = Clock.now()
        show.isDirty = true
    }
}
