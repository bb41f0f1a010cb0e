/// Hints that something in the spool may have changed. A hint says where to look, never what happened: the directory is
/// the truth, and losing every hint costs a delay, never a job.
public enum WakeUp: Sendable, Equatable {
    /// The directory entry of this name may have appeared, changed or gone.
    case file(FileName)
    /// Anything may have changed: look at the whole directory.
    case rescan(Reason)

    public enum Reason: String, Sendable {
        /// Watching has begun; what was there before has had no hint.
        case start
        /// The kernel dropped events (`IN_Q_OVERFLOW`, inotify(7)).
        case overflow
        /// The directory was moved, deleted or replaced and is watched anew.
        case replaced
        /// The slow timer, or the poll where inotify is silent.
        case timer
    }
}

/// Hints on their way from whoever hears of changes to the one who looks.
public protocol WakeUpSource: Sendable {
    /// The oldest hint that nobody has taken; nil when there is none.
    func take() -> WakeUp?

    /// From now on `bell` is called when there is a hint to take where there was none, on any thread; and now if there is one already.
    /// nil: nobody is to be called.
    func ring(_ bell: (@Sendable () -> Void)?)
}

/// How the daemon hears of new files, as `spool.status.json` says it.
public enum IntakeMode: String, Sendable {
    /// The kernel tells (inotify(7)).
    case inotify
    /// The directory is read again and again, because inotify is silent there.
    case polling
}
