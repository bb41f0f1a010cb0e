/// Accepted jobs on their way to the disk: they may start at once, but the feed tells of them, and a status shows that they run, only
/// when nothing can be lost any more.
import SpoolProtocol
import SpoolStorage

/// Accepted jobs that are not known to be on the disk.
struct UnsyncedJobs {
    private var statuses: [JobName: JobStatus] = [:]
    /// The disk did not take some, the last time: in order.
    var failed: [JobName] = []

    var isEmpty: Bool { statuses.isEmpty }
    func contains(_ name: JobName) -> Bool { statuses[name] != nil }
    mutating func put(_ status: JobStatus) { statuses[status.identity.name] = status }
    mutating func take(_ name: JobName) -> JobStatus? { statuses.removeValue(forKey: name) }
}

extension Runner {
    /// What has been accepted starts if it can, and gets to the disk meanwhile.
    func commit(_ accepted: [JobName]) {
        if accepted.isEmpty { return }
        // A cancel that was there first.
        for name in accepted { cancelOrTell(name) }
        lookAtWaiting()
        startWhatCan()
        committer.commit(accepted: accepted)
        show.isDirty = true
    }

    /// Requests are on the disk with their statuses; or they are not, and are tried again.
    func synced(_ names: [JobName], _ error: SpoolError?) {
        if let error {
            unsynced.failed += names
            tell(error)
            return
        }
        for name in names {
            tellAcceptance(of: name)
            forgetNote(of: name)
        }
        for lane in lanes.keys.sorted() { tellOn(lane) }
    }

    func trySyncingAgain() {
        guard !unsynced.failed.isEmpty, Clock.monotonic() >= troubleUntil else { return }
        committer.commit(accepted: unsynced.failed)
        unsynced.failed = []
    }

    /// The first that is told of a job.
    func tellAcceptance(of name: JobName) {
        if let status = unsynced.take(name) { feed.append(.accepted, status) }
    }

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
        for news in lanes[lane]?.takePostponed() ?? [] { mailbox.put(news) }
    }
}
