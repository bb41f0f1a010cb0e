/// Drives the jobs of one spool: takes requests in, runs one job a lane at a time, and writes what became of them. All
/// its state is here, and everything that changes it comes through one mailbox; the files that carry the steps are
/// named after them:
///
/// `RunnerScan` looks at the directory, `RunnerRescan` at all of it, `RunnerAccept` takes requests in, `RunnerHeldBack` lets wait what is too much, `RunnerAdmit` says when they have their turn, `RunnerStart` starts attempts, `RunnerArm` makes the next ones ready, `RunnerEnd`
/// draws the conclusions from their ends, `RunnerCommit` sees accepted jobs to the disk, `RunnerFinish` commits results, `RunnerCancel` cancels, `RunnerPause` pauses, `RunnerStop` stops, `RunnerShortage` waits for room on the disk, `RunnerSchedule` drops what is scheduled, `RunnerRecover` finds out where an
/// earlier daemon was, `RunnerAdopt` takes its attempts up and `RunnerRecoverFeed` tells what it could not tell any more, `RunnerRetention` archives what has aged, `RunnerShow` writes `spool.status.json`.
import DequeModule
package import Logging
package import SpoolProtocol
package import SpoolStorage

package actor Runner {
    let spool: Spool
    let configuration: RunnerConfiguration
    let logger: Logger
    nonisolated let mailbox = Mailbox()
    let threads = ThreadPool(name: "spool-worker")
    /// For what jobs that run and start need not wait for.
    let background = ThreadPool(name: "spool-commit", standsBack: true)
    let timers: Timers
    let committer: Committer
    var catalog: TypeCatalog
    let feed: EventFeed
    var numbers: AcceptanceNumbers
    let spares: Spares
    /// Cleans up after jobs, which need not be waited for.
    let cleaner: SerialWorker

    // Jobs that are not over
    var pending = PendingJobs()
    var running: [JobName: RunningJob] = [:]
    var finishing: [JobName: FinishedJob] = [:]
    /// What the committer has said of results, and is still to be drawn conclusions from.
    var commitReports: Deque<CommitReport> = []
    var lanes: [String: Lane] = [:]
    /// What the disk has not taken of pending jobs' last attempts, by `job_id`.
    var unwritten: [String: UnwrittenConclusion] = [:]

    // Names to look at, in order
    var names = NameBacklog()
    /// `News.lookOn` is on its way.
    var isToLookOn = false
    var settling = SettlingFiles<JobName>()
    /// Cancel and pause files with other names, and cancel files that are being written.
    var unsettled = SettlingFiles<FileName>()
    var heldBack = HeldBack()
    var schedules = ScheduleBook()
    /// Pending jobs whose wait may be over.
    var recheck: Set<JobName> = []
    /// Those of them that are being looked at, in the order of acceptance.
    var rechecking: ArraySlice<JobName> = []
    /// `News.recheck` is on its way.
    var isToRecheck = false
    var archived = ArchivedResults()
    var ends = RecentEnds()
    /// Pending jobs that wait for what the archive may have, and for which it is still to be searched.
    var owed: Set<JobName> = []
    /// From when on an empty request is explained again, CLOCK_MONOTONIC, seconds.
    var explainsEmptyFrom = -Double.infinity
    /// Pending jobs whose turn came while their request was gone or being written: they wait until it is back.
    var parked: Set<JobName> = []
    var unsynced = UnsyncedJobs()
    /// The request that has been accepted just now, as it was.
    var lastAccepted: KnownRequest?
    /// Files with impossible names that have been told of.
    var badNames: [FileName: UInt64] = [:]
    /// Files that nobody can look at and that have been told of.
    var unlookable: Set<FileName> = []
    /// Jobs that were not over when the daemon came, and that could not be looked at.
    var unrestored: Set<JobName> = []
    /// The machine may have lost its power since they were left.
    var unrestoredMayLackContents = false
    var noticeLimit = NoticeLimit()
    var scan: Rescan?
    /// A rescan could not be finished.
    var rescanAgain = false

    /// They are to begin, outside of the loop.
    var followers: [(AttemptFollower, JobName, jobID: String)] = []
    var timer = WakeUpTimer()
    /// Statuses of jobs that an earlier daemon saw end, which the disk has not taken.
    var unshownEnds: [(status: JobStatus, isTold: Bool)] = []
    var stopping: RunnerConfiguration.OnStop?
    var paused: Pause?
    /// The inode of a pause file that does not count and has been told of.
    var ignoredPause: UInt64?
    /// The inode of the pause file that counts.
    var pausedInode: UInt64?
    /// Files that are in the way and cannot be moved.
    var obstructions = ToldObstacles()
    /// Of jobs that are not yet told to be over: their cancel files, as they were when they were heard.
    var heardCancels: [JobName: FileStat] = [:]
    /// Jobs with a cancel file that is about a request that is still to be looked at.
    var waitingCancels: Set<JobName> = []
    /// Cancel files that have had their effect and cannot be removed.
    var spentCancels = ToldObstacles()
    var isReplaced = false
    /// When the disk may be tried again after it did not take something.
    var troubleUntil = 0.0
    /// The machine may have lost its power since a daemon served the spool.
    var mayLackContents = false
    /// The disk is full.
    var shortage: Shortage?
    var shortageToldAt = -Double.infinity

    var retention = RetentionState()

    // What spool.status.json shows
    var summaries: [String: TypeSummary] = [:]
    var knownTypes: [String] = []
    var typeProblems = TypeProblems()
    var totals: [Standing: Int64] = [:]
    var show = ShowState()

    /// - Parameters:
    ///   - spool: opened and locked by the caller.
    package init(
        spool: Spool, catalog: TypeCatalog, configuration: RunnerConfiguration, logger: Logger
    ) throws(SpoolError) {
        self.spool = spool
        self.catalog = catalog
        self.configuration = configuration
        self.logger = logger
        feed = try EventFeed(spool, rotationSize: configuration.rotateEventsAt)
        numbers = try AcceptanceNumbers(spool)
        spares = try Spares(spool, prepared: configuration.maxLanes)
        timers = Timers(threads)
        committer = Committer(spool, mailbox, background)
        cleaner = SerialWorker(background)
    }

    package enum End: Sendable {
        case stopped
        /// Another directory has the spool's path now. The jobs of this one stay where they are, running ones running.
        case replaced
    }

    /// Serves the spool until `stop` is called, the task is cancelled, or another directory has taken its place.
    package func run(_ wakeUps: some WakeUpSource) async throws(SpoolError) -> End {
        defer {
            wakeUps.ring(nil)
            timers.end()
            threads.end()
            background.end()
        }
        try recover()
        put(.retain, after: Self.firstRetention)
        let mailbox = mailbox
        await withDiscardingTaskGroup { group in
            beginFollowing(&group)
            wakeUps.ring { mailbox.put(.wakeUps) }
            for await news in mailbox.news {
                take(news, wakeUps)
                beginFollowing(&group)
                if hasStopped { break }
            }
            // When the task was cancelled, the followers must not wait for their attempts.
            for job in running.values { job.link.detach() }
            group.cancelAll()
        }
        await withCheckedContinuation { continuation in cleaner.run { continuation.resume() } }
        endFeed()
        showSpool(as: .stopped)
        return isReplaced ? .replaced : .stopped
    }

    /// How long after the start the archive is first looked at, in seconds: what was dropped meanwhile comes first.
    private static let firstRetention = 1.0

    private func beginFollowing(_ group: inout DiscardingTaskGroup) {
        let (mailbox, threads) = (mailbox, threads)
        for (follower, name, jobID) in followers {
            group.addTask {
                mailbox.put(.followed(name, jobID: jobID, await follower.follow(on: threads)))
            }
        }
        followers = []
    }

    private func take(_ news: News, _ wakeUps: some WakeUpSource) {
        takeBackArmed()
        switch news {
        case .begun: break
        case .wakeUps: takeAll(wakeUps)
        case .lookOn:
            isToLookOn = false
            lookOn()
        case .scanOn: scanOn()
        case .schedules:
            schedules.isToWake = false
            advanceDue()
        case .recheck: isToRecheck = false
        case .tick: tick()
        case .slept(let time):
            timer.hasSlept(until: time)
            tick()
        case .followed(let name, let jobID, let report): attemptEnded(name, jobID, report)
        case .askedToStop(let name, let jobID, let reason): askToStop(name, jobID, reason)
        case .accepted(let reports): accepted(reports)
        case .committed(let reports): committed(reports)
        case .commit: committer.begin()
        case .trouble(let error): tell(error)
        case .warning(let message): notice(message)
        case .retain: retain()
        case .stop(let how): beginStopping(how)
        case .inspect(let look): look(self)
        }
        lookAtHeldBack()
        lookAtWaiting()
        startWhatCan()
        // Only now: a file system that syncs lets nobody else change anything meanwhile.
        if let wait = committer.begin(moreToCome: resultsFollow) { put(.commit, after: wait) }
        announce()
        showSchedules()
        showIfDue()
        lendArmed()
        if let time = timer.begin() { put(.slept(until: time), after: max(0, time - Clock.monotonic())) }
    }

    /// News to come, in seconds.
    func put(_ news: News, after seconds: Double) {
        let mailbox = mailbox
        timers.run(after: seconds) { mailbox.put(news) }
    }

    // MARK: Time

    /// Has `tick` called at a time (CLOCK_MONOTONIC, seconds), or earlier.
    func wake(at time: Double) { timer.wake(at: time) }

    private func tick() {
        timer.look()
        if Clock.monotonic() < troubleUntil { wake(at: troubleUntil) }
        lookForRoom()
        if rescanAgain {
            rescanAgain = false
            rescan(.timer)
        }
        if !names.isEmpty { lookSoon() }
        trySyncingAgain()
        tryFinishingAgain()
        showEndsAgain()
        lookAtSettled()
        lookAtSettledSchedules()
        wakeWaiting()
        wakeSchedules()
    }

    // MARK: Telling

    /// Trouble with the disk: told, and everything that needs it is tried again a second later.
    func tell(_ error: SpoolError) {
        let now = Clock.monotonic()
        // Told again and again while it lasts, but not every second.
        if !error.repeats(show.trouble) || now >= show.troubleLoggedAt + 60 {
            logger.error("\(error)")
            show.troubleLoggedAt = now
        }
        show.trouble = error
        show.troubleAt = Clock.now()
        if error.isOutOfSpace { beginShortage(error) }
        troubleUntil = now + 1
        wake(at: troubleUntil)
        show.isDirty = true
    }

    private func announce() {
        for message in spool.takeNotices() { notice(message) }
        tellOfOmittedNotices()
        flushFeed()
    }

    private func endFeed() {
        do throws(SpoolError) {
            try feed.end()
        } catch {
            // It counts as cut off if the machine is started anew.
            logger.warning("\(error)")
        }
    }

    /// What the disk does not take is written later.
    func flushFeed() {
        do throws(SpoolError) {
            try feed.flush()
        } catch {
            tell(error)
        }
    }
}
