/// Reads what has to be known to explain where a job is.
import Glibc
import JSONText
package import SpoolProtocol
import SpoolStorage

extension SpoolDirectory {
    /// Why the job is where it is that somebody means by a name, a file's name or a `job_id`.
    /// - Throws: `SpoolClientError`: `jobNotFound`, and what reading throws.
    package func explain(_ reference: String) throws(SpoolClientError) -> (name: String, explanation: Explanation) {
        let failure: SpoolClientError
        do {
            let location = try find(reference)
            return (location.name.string, try explain(location))
        } catch .jobNotFound(let what) {
            failure = .jobNotFound(what)
        } catch .invalidName(let problem) {
            failure = .jobNotFound("\(FileName(reference)) (\(problem))")
        }
        if let passedOver = try explainIgnored(reference) { return (reference, passedOver) }
        if let schedule = try schedules().first(where: { $0.name.string == reference }) {
            return (reference, schedule.explanation)
        }
        throw failure
    }

    private func explain(_ location: JobLocation) throws(SpoolClientError) -> Explanation {
        let name = location.name
        let files = try storage { () throws(SpoolError) in try JobFiles(root) }
        let daemon = files.daemonUser.map { Account($0) }
        let view: JobView
        do {
            view = try status(of: location)
        } catch .jobNotFound(let what) {
            // What stands there may be no regular file.
            if let unseen = try examine(name, for: daemon), let problem = unseen.problem {
                return Explanation(
                    .willBeRejected, "\(name) is no request: \(problem.message)", next: "do that, and drop the request",
                    .problem)
            }
            throw .jobNotFound(what)
        }
        var situation = JobSituation(
            view: view, daemon: try self.daemon(), overview: try spoolStatus(), pause: try pause(), path: path,
            now: Clock.now())
        situation.cancel = try cancelFile(of: view)
        switch view.state {
        case .dropped: situation.unseen = try examine(name, for: daemon)
        case .active(let status) where status.standing == .pending:
            situation.lane = try lane(around: status, files)
            situation.others = try standings(of: status.waitingFor?.jobs ?? [], files)
        case .active:
            situation.lastOutput = try storage { () throws(SpoolError) in
                try files.stat(.log(name))?.fingerprint.modifiedAt
            }
        case .over: situation.archivedRequestIsGone = try view.archived.map(isWithoutRequest) ?? false
        }
        return situation.explanation
    }

    private func isWithoutRequest(_ family: ArchivedFamily) throws(SpoolClientError) -> Bool {
        try storage { () throws(SpoolError) in
            try family.open()?.stat(SpoolFile.request(family.name).fileName!)?.kind != .file
        }
    }

    /// A file of this name that no daemon takes up; nil when there is none.
    private func explainIgnored(_ reference: String) throws(SpoolClientError) -> Explanation? {
        let file = FileName(reference)
        guard !reference.isEmpty, !reference.utf8.contains(UInt8(ascii: "/")),
            case .unfit(let why) = RequestFileName(file),
            try storage({ () throws(SpoolError) in try root.stat(file) }) != nil
        else { return nil }
        switch SpoolFile(file) {
        case .badName, .ignored:
            return Explanation(.ignored, why, next: "rename it to NAME.json, and it is taken up", .problem)
        // Another file of a job stands for the job.
        case .request, .cancel, .schedule, .scheduleStatus, .status, .log, .errors, .result, .pause, .spoolStatus,
            .events:
            return nil
        }
    }

    private func cancelFile(of view: JobView) throws(SpoolClientError) -> JobSituation.CancelFile? {
        let stat = try storage { () throws(SpoolError) in try root.stat(SpoolFile.cancel(view.name).fileName!) }
        guard let stat, view.acceptance != nil else { return nil }
        return JobSituation.CancelFile(
            by: Users.name(of: stat.owner), at: stat.fingerprint.modifiedAt,
            counts: try storage { () throws(SpoolError) in try cancels(view, stat) })
    }

    private func standings(of names: [JobName], _ files: JobFiles) throws(SpoolClientError) -> [JobName: String] {
        var standings: [JobName: String] = [:]
        for name in names { standings[name] = try view(of: name, files)?.standingText }
        return standings
    }

    // MARK: The lane

    /// What is before a pending job: all jobs that are not over are looked at, and their requests for the priority.
    private func lane(
        around status: JobStatus, _ files: JobFiles
    ) throws(SpoolClientError) -> JobSituation.LaneSituation {
        let inventory = try storage { () throws(SpoolError) in try SpoolInventory(root, daemonUser: files.daemonUser) }
        var lane = JobSituation.LaneSituation()
        var queue: [QueuePlace] = []
        for (name, family) in inventory.families where family.status != nil && family.result == nil {
            guard let other = try readStatus(name, files) else { continue }
            switch other.standing {
            case .running:
                lane.atWork.insert(other.identity.lane)
                if other.identity.lane == status.identity.lane {
                    lane.running = JobReference(name: name, jobID: other.identity.jobID, startedAt: other.startedAt)
                }
            case .pending where other.identity.lane == status.identity.lane && other.waitingFor == nil:
                queue.append(QueuePlace(name: name, priority: priority(of: name), sequence: other.identity.sequence))
            case .pending, .completed, .failed, .cancelled, .rejected: break
            }
        }
        lane.ahead = QueuePlace.ahead(of: status.identity.name, in: queue)
        return lane
    }

    /// nil for a file that is gone by now, or cannot be read: it is told elsewhere.
    private func readStatus(_ name: JobName, _ files: JobFiles) throws(SpoolClientError) -> JobStatus? {
        do {
            return try files.readStatus(name)?.0
        } catch .damaged {
            return nil
        }
    }

    private func priority(of name: JobName) -> Int {
        do {
            return try Request(checking: try root.read(SpoolFile.request(name).fileName!) ?? []).priority
        } catch {
            // Unreadable here, gone or changed: the daemon knows better; its place by number is the best guess.
            return 0
        }
    }
}

/// A job's place in its lane's queue: higher priority first, then what was accepted first.
package struct QueuePlace: Sendable, Equatable, Comparable {
    package var name: JobName
    package var priority: Int
    package var sequence: Int64

    package init(name: JobName, priority: Int, sequence: Int64) {
        self.name = name
        self.priority = priority
        self.sequence = sequence
    }

    package static func < (a: QueuePlace, b: QueuePlace) -> Bool {
        a.priority != b.priority ? a.priority > b.priority : a.sequence < b.sequence
    }

    /// The jobs that have their turn before this one, the next one first.
    package static func ahead(of name: JobName, in queue: [QueuePlace]) -> [JobName] {
        guard let own = queue.first(where: { $0.name == name }) else { return [] }
        return queue.filter { $0 < own }.sorted().map(\.name)
    }
}

extension Waiting {
    /// The jobs that are waited for.
    fileprivate var jobs: [JobName] {
        switch self {
        case .time, .retry: []
        case .jobs(let names, _): names
        case .join(let job): [job.name]
        }
    }
}
