/// Accepted jobs on their way to the disk. One whose status is there may start at once, but neither the feed nor its status shows that
/// before the job cannot be lost any more.
import SpoolProtocol
import SpoolStorage

/// Accepted jobs that are not known to be on the disk.
struct UnsyncedJobs {
    private var orders: [JobName: AcceptanceOrder] = [:]
    /// The disk did not take some, the last time: in order.
    var failed: [JobName] = []

    var isEmpty: Bool { orders.isEmpty }
    subscript(_ name: JobName) -> AcceptanceOrder? { orders[name] }
    func contains(_ name: JobName) -> Bool { orders[name] != nil }
    mutating func put(_ order: AcceptanceOrder) { orders[order.name] = order }
    mutating func take(_ name: JobName) -> AcceptanceOrder? { orders.removeValue(forKey: name) }
}

extension Runner {
    /// What has been accepted starts if it can, while its status gets to the disk.
    func startAccepted(_ names: [JobName]) {
        if names.isEmpty { return }
        // A cancel that was there first.
        for name in names { cancelOrTell(name) }
        lookAtWaiting()
        startWhatCan()
        show.isDirty = true
    }

    /// Requests are on the disk with their statuses; or they are not, and are tried again.
    func accepted(_ reports: [(name: JobName, error: SpoolError?)]) {
        for (name, error) in reports {
            guard let status = unsynced[name]?.status else { continue }
            if let error, !isHeldByOther(name, error) {
                unsynced.failed.append(name)
                if stopping != nil, let job = running[name] { hearPostponed(of: job.pending.lane) }
                tell(error)
                if let job = finishing[name] { tryFinishingNext(in: job.result.status.identity.lane, after: name) }
                continue
            }
            tellAcceptance(of: name)
            forgetNote(of: name)
            showWhatHasChanged(since: status)
            tryFinishing(name)
            if finishing[name] == nil { lookForChange(of: name, since: status.request) }
        }
        for lane in lanes.keys.sorted() { tellOn(lane) }
    }

    /// Somebody put a file in the status's place, meanwhile, that cannot be moved: the job goes on without.
    private func isHeldByOther(_ name: JobName, _ error: SpoolError) -> Bool {
        guard error.isForbidden else { return false }
        do throws(SpoolError) {
            // It may have been about another one of those that were to get to the disk together.
            guard try obstacle(at: .status(name)) != nil else { return false }
        } catch {
            return false
        }
        notice("\(name) has no status: \(error)")
        return true
    }

    private func showWhatHasChanged(since status: JobStatus) {
        guard let job = pending[status.identity.name], job.waiting != status.waitingFor else { return }
        do throws(SpoolError) {
            try showWaiting(job)
        } catch {
            tell(error)
        }
    }

    func trySyncingAgain() {
        guard !unsynced.failed.isEmpty, Clock.monotonic() >= troubleUntil else { return }
        for order in unsynced.failed.compactMap({ unsynced[$0] }) { committer.commit(order) }
        unsynced.failed = []
    }

    /// The first that is told of a job.
    func tellAcceptance(of name: JobName) {
        if let order = unsynced.take(name) { feed.append(.accepted, order.status) }
    }

    // MARK: Results

    /// Results are on their way in a lane that is at work again: others follow.
    var resultsFollow: Bool { stopping == nil && lanes.values.contains { !$0.isFree && $0.hasResultsUnderWay } }

    // MARK: Starts

    func tellStart(_ status: JobStatus) {
        tellAcceptance(of: status.identity.name)
        feed.append(.started, status)
        running[status.identity.name]?.link.show()
    }

    /// What waited in a lane until something else had been told may go on.
    func tellOn(_ lane: String) {
        let unsynced = unsynced
        while let start = lanes[lane]?.takeTellable(isHeld: unsynced.contains) { tellStart(start) }
        hearPostponed(of: lane)
    }

    /// Ends of attempts that waited for others to be told, or to be heard of, are looked at again.
    func hearPostponed(of lane: String) {
        for news in lanes[lane]?.takePostponed() ?? [] { mailbox.put(news) }
    }
}
