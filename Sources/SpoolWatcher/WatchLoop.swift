/// What the watching thread does, from the first look at the directory to the end of the watch. It blocks for as long as
/// there is nothing to say; with nothing happening it wakes only for the slow rescan.
import SpoolProtocol

struct WatchLoop {
    /// What the thread waits for.
    enum Phase {
        /// The next event, or the slow timer.
        case watching(Watching)
        /// The next poll. `nextTry`: when inotify is tried again.
        case polling(DirectoryIdentity, nextTry: ContinuousClock.Instant)
        /// A directory to be there; then everybody is told to look, for this reason.
        case waiting(WakeUp.Reason)
    }

    struct Watching {
        let directory: DirectoryIdentity
        var nextRescan: ContinuousClock.Instant
        /// Until then the directory may be deleted in silence, so it is looked at every second.
        var suspectUntil: ContinuousClock.Instant
        /// When events were last left to gather.
        var gathered: ContinuousClock.Instant
    }

    let path: String
    let options: DirectoryWatcher.Options
    let seams: DirectoryWatcher.Seams
    let watch: Watch
    let source: any EventSource
    let clock = ContinuousClock()

    init(path: String, options: DirectoryWatcher.Options, seams: DirectoryWatcher.Seams, watch: Watch) {
        self.path = path
        self.options = options
        self.seams = seams
        self.watch = watch
        source = seams.makeSource()
    }

    /// `isReady` is called once, when the watch is in place and the mode is decided.
    func run(isReady: () -> Void) {
        var phase = begin(.start)
        isReady()
        while !watch.alarm.isRinging {
            switch phase {
            case .watching(let watching): phase = listen(watching)
            case .polling(let directory, let nextTry): phase = poll(directory, nextTry: nextTry)
            case .waiting(let reason):
                watch.alarm.wait(atMost: options.retryInterval)
                phase = begin(reason)
            }
        }
        if case .watching = phase { source.close() }
    }

    /// One event, or the time until something is due.
    private func listen(_ watching: Watching) -> Phase {
        var watching = watching
        if clock.now >= watching.nextRescan {
            watching.nextRescan = clock.now + options.rescanInterval
            watch.hints.put(.rescan(.timer))
            guard isStill(watching.directory) else { return renew(.replaced) }
        }
        let isSuspect = clock.now < watching.suspectUntil
        let remaining = (watching.nextRescan - clock.now).roundedUp(to: .seconds(1))
        switch source.next(seconds: isSuspect ? 1 : remaining) {
        case .entry(let name):
            if hint(name) || !isTemporary(name) { gatherOthers(&watching) }
            // It may be one of many that are deleted before the directory is.
            if isSuspect { watching.suspectUntil = clock.now + .seconds(10) }
            return .watching(watching)
        case .nothing:
            return !isSuspect || isStill(watching.directory) ? .watching(watching) : renew(.replaced)
        case .subdirectoryDeleted:
            watching.suspectUntil = clock.now + .seconds(10)
            return isStill(watching.directory) ? .watching(watching) : renew(.replaced)
        case .moved:
            return isStill(watching.directory) ? .watching(watching) : renew(.replaced)
        case .gone:
            return renew(.replaced)
        case .overflow:
            // Even the end of the watch may be among what was dropped, so it is put in place anew.
            return renew(.overflow)
        case .failed:
            source.close()
            return .waiting(.overflow)
        }
    }

    private func poll(_ directory: DirectoryIdentity, nextTry: ContinuousClock.Instant) -> Phase {
        watch.alarm.wait(atMost: options.pollInterval)
        guard isStill(directory) else { return begin(.replaced) }
        guard clock.now < nextTry else { return begin(.timer) }
        watch.hints.put(.rescan(.timer))
        return .polling(directory, nextTry: nextTry)
    }

    private func renew(_ reason: WakeUp.Reason) -> Phase {
        source.close()
        return begin(reason)
    }

    /// False when nobody is interested in the file.
    @discardableResult
    func hint(_ name: FileName) -> Bool {
        guard !Canary.isCanary(name), options.isOfInterest(name) else { return false }
        watch.hints.put(.file(name))
        return true
    }

    /// It is about to become a request: that must not be waited for.
    private func isTemporary(_ name: FileName) -> Bool { name.string.map(SpoolFile.isTemporary) ?? false }

    /// Files that nobody is interested in are the daemon's own, and where one is written others follow, as after a file that has been told
    /// of: they are waited for together, so that not every one wakes the thread.
    private func gatherOthers(_ watching: inout Watching) {
        guard clock.now >= watching.gathered + Self.gatheringTime else { return }
        watch.alarm.wait(atMost: Self.gatheringTime)
        watching.gathered = clock.now
    }

    private static let gatheringTime = Duration.milliseconds(1)

    func isStill(_ directory: DirectoryIdentity) -> Bool { DirectoryIdentity(path: path) == directory }
}
