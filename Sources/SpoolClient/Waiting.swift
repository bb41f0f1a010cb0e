/// Waits for a job by looking at its files: often while they change, less and less often while they do not. A run is told
/// from the ones before and after it by the version of the request that its files are for.
public import SpoolProtocol
import Glibc
import SpoolStorage

/// Looks at one run of a job, again and again.
public struct JobWatch: Sendable {
    private let spool: SpoolDirectory
    private let files: JobFiles
    public let name: JobName
    /// The version of the request whose run is waited for.
    public let version: Fingerprint
    /// A result that was removed is waited for: the job runs again.
    private let runsAgain: Bool
    /// Where an archived run is.
    private let family: ArchivedFamily?
    private var lastSeen: [FileStat?] = []
    private var lastSight: Sight?
    /// How long to pause before the next look, in seconds: 0.01 to 0.5.
    public private(set) var pause = shortestPause

    private static let shortestPause = 0.01
    private static let longestPause = 0.5

    public enum Sight: Sendable {
        /// Not over. The view may still show the run before.
        case underWay(JobView)
        case over(JobView, JobResult)

        fileprivate var isOnItsWay: Bool {
            switch self {
            case .underWay(let view): view.isOnItsWay
            case .over: false
            }
        }

        fileprivate var withoutResult: Sight {
            guard isOnItsWay, case .underWay(let view) = self else { return self }
            let ended = view.withoutResult()
            if case .over(let result) = ended.state { return .over(ended, result) }
            return self
        }
    }

    init(
        _ spool: SpoolDirectory, _ name: JobName, _ version: Fingerprint, runsAgain: Bool = false,
        family: ArchivedFamily? = nil
    ) throws(SpoolClientError) {
        self.spool = spool
        self.runsAgain = runsAgain
        self.family = family
        self.name = name
        self.version = version
        files = try storage { () throws(SpoolError) in try JobFiles(spool.root) }
    }

    /// Looks now.
    /// - Throws: `SpoolClientError`: `superseded`, `withdrawn`, and what reading throws.
    public mutating func look() throws(SpoolClientError) -> Sight {
        let seen = try storage { () throws(SpoolError) in
            [try files.stat(.status(name)), try files.stat(.result(name)), try files.requestStat(name)]
        }
        if let lastSight, seen == lastSeen {
            pause = min(Self.longestPause, pause * 1.3)
            // When no result comes, it is over all the same.
            if !lastSight.isOnItsWay { return lastSight }
        } else {
            pause = Self.shortestPause
        }
        let sight = try read()
        lastSeen = seen
        lastSight = sight
        return sight
    }

    private func read() throws(SpoolClientError) -> Sight {
        if let family {
            guard let view = try spool.view(of: family), case .over(let result) = view.state else {
                throw .jobNotFound(family.jobID)
            }
            return .over(view, result)
        }
        let seen = try spool.whileFamiliesMove(isSure: { !$0.isOnItsWay }) { () throws(SpoolClientError) -> Sight? in
            let sight = try readSpool()
            if let sight, !sight.isOnItsWay { return sight }
            guard let view = try spool.archivedRun(of: name, version), case .over(let result) = view.state else {
                return sight
            }
            return .over(view, result)
        }
        if let seen {
            if runsAgain, case .underWay(let view) = seen, view.request == version { return seen }
            return seen.withoutResult
        }
        throw try spool.view(of: name, files)?.request == nil ? .withdrawn(name) : .superseded(name)
    }

    /// nil when the spool says nothing of this run any more.
    private func readSpool() throws(SpoolClientError) -> Sight? {
        guard let view = try spool.view(of: name, files) else { return nil }
        switch view.state {
        case .over(let result) where result.status.request == version:
            return .over(view, result)
        case .dropped(_, let previous?) where previous.status.request == version:
            return .over(view.asOfPreviousRun(previous), previous)
        case .active(let status) where status.request == version:
            return .underWay(view)
        case .dropped, .active, .over:
            return view.request == version ? .underWay(view) : nil
        }
    }
}

extension JobView {
    /// The version of the request that a run is for which this shows, or which was the one before; nil when it is another run.
    func version(ofRun id: String) -> Fingerprint? {
        let status: JobStatus? =
            if case .dropped(_, let previous?) = state { previous.status } else { self.status }
        return status?.identity.jobID.lowercased() == id.lowercased() ? status?.request : nil
    }

    /// The run before, of a job whose request was dropped again.
    fileprivate func asOfPreviousRun(_ result: JobResult) -> JobView {
        JobView(
            name: name, state: .over(result), request: request, cancelRequested: cancelRequested,
            statusDocument: statusDocument, resultDocument: resultDocument)
    }
}

extension SpoolDirectory {
    /// A look at the run that a submission asked for.
    public func watch(_ submission: Submission) throws(SpoolClientError) -> JobWatch {
        try JobWatch(self, submission.name, submission.fingerprint)
    }

    /// A look at the run that a view shows, although its request may have been dropped again: the version is that of the status, or of
    /// a request that no daemon had seen. Where a result was removed for which the job runs again, the look is at that run.
    /// - Throws: `SpoolClientError`: `jobNotFound`, and what reading throws.
    public func watch(_ view: JobView) throws(SpoolClientError) -> JobWatch {
        guard let version = view.status?.request ?? view.request else { throw .jobNotFound(view.name.string) }
        return try JobWatch(self, view.name, version, runsAgain: view.runsForLackOfResult)
    }

    /// A look at the run that the request asks for that is in the spool now, or at the last run of one that is gone.
    /// - Throws: `SpoolClientError`: `jobNotFound`, and what reading throws.
    public func watch(_ name: JobName) throws(SpoolClientError) -> JobWatch {
        try watch(JobLocation(name: name, family: nil))
    }

    /// A look at a job in the spool, or at an archived run.
    /// - Throws: `SpoolClientError`: `jobNotFound`, and what reading throws.
    public func watch(_ location: JobLocation) throws(SpoolClientError) -> JobWatch {
        let view = try status(of: location)
        if let family = location.family, let version = view.status?.request {
            return try JobWatch(self, location.name, version, family: family)
        }
        if let id = location.jobID {
            if view.jobID?.lowercased() == id.lowercased() { return try watch(view) }
            if let version = view.version(ofRun: id) { return try JobWatch(self, location.name, version) }
            // It has been archived meanwhile.
            let archived = try find(id)
            guard archived.family?.jobID.lowercased() == id.lowercased() else { throw .superseded(location.name) }
            return try watch(archived)
        }
        guard let version = view.request ?? view.status?.request else { throw .jobNotFound(location.name.string) }
        return try JobWatch(self, location.name, version)
    }

    /// Waits until a run is over; blocks the thread.
    /// - Parameters:
    ///   - timeout: in seconds; nil: for ever
    ///   - onLook: told what each look saw; what it throws ends the waiting
    /// - Throws: `SpoolClientError`: `timedOut`, and what `JobWatch.look` throws.
    public func wait(
        _ watch: JobWatch, timeout: Double? = nil, onLook: (JobWatch.Sight) throws -> Void = { _ in }
    ) throws -> JobView {
        var watch = watch
        let deadline = timeout.map { Clock.monotonic() + $0 }
        while true {
            let sight = try watch.look()
            try onLook(sight)
            switch sight {
            case .over(let view, _): return view
            case .underWay(let view):
                let left = deadline.map { $0 - Clock.monotonic() } ?? .infinity
                if left <= 0 { throw SpoolClientError.timedOut(watch.name, state: view.summary, seconds: timeout ?? 0) }
                // A signal ends the pause early; the next look follows at once.
                usleep(UInt32(min(watch.pause, left) * 1_000_000))
            }
        }
    }

    /// Waits until a run is over, without blocking a thread; cancelling the task ends the waiting, not the job.
    /// - Throws: `CancellationError`, and what the blocking `wait` throws.
    public func wait(for watch: JobWatch, timeout: Duration? = nil) async throws -> JobView {
        var watch = watch
        let deadline = timeout.map { ContinuousClock.now + $0 }
        while true {
            switch try watch.look() {
            case .over(let view, _): return view
            case .underWay(let view):
                if let timeout, let deadline, ContinuousClock.now >= deadline {
                    throw SpoolClientError.timedOut(watch.name, state: view.summary, seconds: timeout / .seconds(1))
                }
                try await Task.sleep(for: .seconds(watch.pause))
            }
        }
    }
}
