/// SIGTERM and SIGINT as a flag that is looked at between items. The signal handler does nothing but store into an
/// atomic, which is all that signal-safety(7) allows it.
import Glibc
import Synchronization

enum StopSignal {
    private static let flag = Atomic<Bool>(false)

    static var isRaised: Bool { flag.load(ordering: .relaxed) }

    /// From now on the signals set the flag, and writing to a closed pipe is an error (EPIPE) instead of a death.
    static func install() {
        // Touched here so that the signal handler never finds it uninitialised.
        _ = flag.load(ordering: .relaxed)
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in StopSignal.flag.store(true, ordering: .relaxed) }
        action.sa_flags = SA_RESTART
        sigaction(SIGTERM, &action, nil)
        sigaction(SIGINT, &action, nil)
        signal(SIGPIPE, SIG_IGN)
    }
}
