/// The jobs of a spool, newest first.
public import SpoolProtocol
import SpoolStorage

/// What to list.
public struct ListFilter: Sendable {
    /// How many at most.
    public var limit: Int?
    public var type: String?
    /// As `JobView.standingText` says it: a standing, or "dropped".
    public var standings: Set<String>

    /// Those in the archive, instead of those in the spool.
    public var archived: Bool

    public init(limit: Int? = nil, type: String? = nil, standings: Set<String> = [], archived: Bool = false) {
        self.limit = limit
        self.type = type
        self.standings = standings
        self.archived = archived
    }

    func matches(_ view: JobView) -> Bool {
        (type == nil || view.type == type) && (standings.isEmpty || standings.contains(view.standingText))
    }
}

public struct Listing: Sendable {
    /// Newest first: what no daemon has seen by the time of its drop, then what was accepted last; of archived ones what ended
    /// last.
    public var jobs: [JobView]
    /// Jobs whose files could not be read, and why.
    public var problems: [(name: JobName, error: SpoolClientError)]
}

extension SpoolDirectory {
    /// All jobs whose files are in the spool, or in the archive, or those of them that a filter lets through.
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`.
    public func list(_ filter: ListFilter = ListFilter()) throws(SpoolClientError) -> Listing {
        if filter.archived { return try listArchived(filter) }
        let files = try storage { () throws(SpoolError) in try JobFiles(root) }
        var listing = Listing(jobs: [], problems: [])
        for name in try names() {
            do {
                if let view = try listed(name, files), filter.matches(view) { listing.jobs.append(view) }
            } catch {
                listing.problems.append((name, error))
            }
        }
        listing.jobs.sort(by: Self.isNewer)
        if let limit = filter.limit { listing.jobs.removeLast(max(0, listing.jobs.count - limit)) }
        return listing
    }

    /// Day by day, and of each day by the times of the results: no more is read than the limit needs.
    private func listArchived(_ filter: ListFilter) throws(SpoolClientError) -> Listing {
        let archive = try archive()
        var listing = Listing(jobs: [], problems: [])
        for day in try storage({ () throws(SpoolError) in try archive.days() }) {
            let families = try storage { () throws(SpoolError) in
                try ArchivedFamilies.newestFirst(archive.families(on: day))
            }
            for family in families {
                if let limit = filter.limit, listing.jobs.count >= limit { return listing }
                do {
                    if let view = try view(of: family, withStatus: false), filter.matches(view) {
                        listing.jobs.append(view)
                    }
                } catch {
                    listing.problems.append((family.name, error))
                }
            }
        }
        return listing
    }

    /// Most jobs of a long list are over and stay so: of those the result alone is read.
    private func listed(_ name: JobName, _ files: JobFiles) throws(SpoolClientError) -> JobView? {
        guard let (result, json) = try files.readResult(name) else { return try view(of: name, files) }
        let request = try storage { () throws(SpoolError) in try files.requestStat(name)?.fingerprint }
        guard request == nil || request == result.status.request else { return try view(of: name, files) }
        return JobView(
            name: name, state: .over(result), request: request, cancelRequested: false, statusDocument: nil,
            resultDocument: json)
    }

    /// The names of all jobs, in no order.
    private func names() throws(SpoolClientError) -> Set<JobName> {
        let entries = try storage { () throws(SpoolError) in try root.entries() }
        var names: Set<JobName> = []
        for entry in entries {
            switch SpoolFile(entry) {
            case .request(let name), .status(let name), .result(let name): names.insert(name)
            case .cancel, .schedule, .scheduleStatus, .log, .errors, .pause, .spoolStatus, .events, .badName, .ignored:
                break
            }
        }
        return names
    }

    /// Acceptance has a number that no clock can spoil; what is not accepted yet is newer than what is.
    private static func isNewer(_ a: JobView, _ b: JobView) -> Bool {
        switch (a.acceptance, b.acceptance) {
        case (nil, nil): droppedOrder(a) > droppedOrder(b)
        case (nil, .some): true
        case (.some, nil): false
        case (let a?, let b?): (a.sequence, a.createdAt) > (b.sequence, b.createdAt)
        }
    }

    private static func droppedOrder(_ view: JobView) -> (Int64, Int64, JobName) {
        (view.request?.seconds ?? 0, view.request?.nanoseconds ?? 0, view.name)
    }
}
