/// Archives finished jobs and deletes archived ones on demand, beside a running daemon or without one.
import Glibc
public import SpoolProtocol
import SpoolStorage

/// What to prune.
public struct PruneOptions: Sendable {
    /// Finished jobs whose results are older move to the archive.
    public var olderThan: RetentionTime
    /// Archived jobs whose results are older are deleted, and archived feeds.
    public var archivedOlderThan: RetentionTime
    /// Only jobs of this type; feeds are then left alone, as with `standings`.
    public var type: String?
    public var standings: Set<Standing>
    /// Say what would be done, and change nothing.
    public var dryRun: Bool

    public init(
        olderThan: RetentionTime = Retention.standard.archiveAfter, archivedOlderThan: RetentionTime = .never,
        type: String? = nil, standings: Set<Standing> = [], dryRun: Bool = false
    ) {
        self.olderThan = olderThan
        self.archivedOlderThan = archivedOlderThan
        self.type = type
        self.standings = standings
        self.dryRun = dryRun
    }

    var hasFilter: Bool { type != nil || !standings.isEmpty }

    func matches(type: String, _ standing: Standing?) -> Bool {
        (self.type == nil || self.type == type)
            && (standings.isEmpty || standing.map(standings.contains) ?? false)
    }
}

public struct PruneReport: Sendable {
    public struct Job: Sendable {
        public let name: JobName
        public let jobID: String
        /// The family's directory in the archive.
        public let path: String
    }

    /// Moved to the archive.
    public internal(set) var archived: [Job] = []
    /// Deleted from the archive.
    public internal(set) var deleted: [Job] = []
    /// The names of archived feeds that were deleted.
    public internal(set) var deletedFeeds: [String] = []
    /// What should have been moved or deleted, and why it was not.
    public internal(set) var problems: [(name: String, error: SpoolClientError)] = []
}

extension SpoolDirectory {
    /// The user whom the spool's daemon runs as; nil when none has served it.
    package func daemonUser() throws(SpoolClientError) -> UInt32? {
        try storage { () throws(SpoolError) in try JobFiles(root).daemonUser }
    }

    /// Deletes from the archive what is old enough, and then moves finished jobs there. Only for the daemon's user.
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`. What concerns one job alone is a problem in the report.
    public func prune(_ options: PruneOptions) throws(SpoolClientError) -> PruneReport {
        guard let user = try daemonUser() else { return PruneReport() }
        guard user == geteuid() else {
            throw .notPermitted(
                "only \(Users.name(of: user)), whom the daemon runs as, and root may prune \(path): try sudo -u \(Users.name(of: user))"
            )
        }
        // Sent to one who looks at a request while somebody opens it for writing (`Descriptor.isBeingWritten`).
        let before = signal(SIGIO, SIG_IGN)
        defer { signal(SIGIO, before) }
        do {
            var pruning = Pruning(self, user, options, try options.dryRun ? nil : Spool(root: root))
            try pruning.delete()
            try pruning.archive()
            return pruning.report
        } catch let error as SpoolError {
            throw SpoolClientError(error)
        } catch {
            throw .notPermitted("\(error)")
        }
    }
}

/// One prune. Deletes first: what it archives is not deleted by the same prune.
private struct Pruning {
    let directory: SpoolDirectory
    let user: UInt32
    let options: PruneOptions
    /// nil for a dry run.
    let spool: Spool?
    let now = Clock.now()
    var report = PruneReport()

    init(_ directory: SpoolDirectory, _ user: UInt32, _ options: PruneOptions, _ spool: Spool?) {
        self.directory = directory
        self.user = user
        self.options = options
        self.spool = spool
    }

    // MARK: Deleting

    mutating func delete() throws(SpoolError) {
        try spool?.clearTrash()
        guard let cutoff = options.archivedOlderThan.cutoff(at: now) else { return }
        let archive = try ArchivedFamilies(directory.root, owner: user)
        for day in try archive.days().reversed() where day.age(at: cutoff) != .notDue {
            for family in try archive.expired(on: day, cutoff: cutoff) { delete(family) }
            try spool?.removeIfEmpty(day)
        }
        if options.hasFilter { return }
        for feed in try archive.expiredFeeds(cutoff: cutoff) {
            if try spool?.delete(feed) ?? true { report.deletedFeeds.append("\(feed.fileName)") }
        }
    }

    private mutating func delete(_ family: ArchivedFamily) {
        do throws(SpoolError) {
            guard try isWanted(family) else { return }
            if try spool?.delete(family) ?? true {
                report.deleted.append(.init(name: family.name, jobID: family.jobID, path: family.path))
            }
        } catch {
            report.problems.append((family.name.string, SpoolClientError(error)))
        }
    }

    /// The result is read only where it matters.
    private func isWanted(_ family: ArchivedFamily) throws(SpoolError) -> Bool {
        guard options.hasFilter else { return true }
        guard let result = try family.open()?.readJSON(.result(family.name), of: user) else { return false }
        let run = FinishedRun(family.name, result)
        return options.matches(type: run.type, run.standing)
    }

    // MARK: Archiving

    /// How many families are moved before their directories are synced.
    private static let batch = 64

    mutating func archive() throws(SpoolError) {
        try spool?.completeArchiving()
        guard let cutoff = options.olderThan.cutoff(at: now) else { return }
        var days: Set<ArchiveDay> = []
        for (index, name) in try FinishedJobs(directory.root, owner: user).names().sorted().enumerated() {
            do throws(SpoolError) {
                if let day = try archive(name, cutoff) { days.insert(day) }
            } catch {
                report.problems.append((name.string, SpoolClientError(error)))
            }
            if index % Self.batch == Self.batch - 1 { try sync(&days) }
        }
        try sync(&days)
    }

    private func sync(_ days: inout Set<ArchiveDay>) throws(SpoolError) {
        if !days.isEmpty { try spool?.syncArchive(days) }
        days = []
    }

    private mutating func archive(_ name: JobName, _ cutoff: Timestamp) throws(SpoolError) -> ArchiveDay? {
        let isWanted = { [options] (run: FinishedRun) in options.matches(type: run.type, run.standing) }
        let outcome: ArchiveOutcome
        if let spool {
            outcome = try spool.archive(name, cutoff: cutoff, .bystander, where: isWanted)
        } else {
            outcome = try ArchiveOutcome(
                FinishedJobs(directory.root, owner: user).look(at: name, cutoff: cutoff, .bystander), where: isWanted)
        }
        switch outcome {
        case .archived(let run, _):
            let path = ([SpoolFile.archiveDirectory] + run.day.components + [run.archivedName.string])
                .joined(separator: "/")
            report.archived.append(
                .init(name: name, jobID: run.jobID, path: "\(directory.root.path)/\(path)"))
            return run.day
        case .notDue, .inUse: return nil
        case .immovable(_, let why):
            report.problems.append((name.string, .notPermitted(why)))
            return nil
        }
    }
}
