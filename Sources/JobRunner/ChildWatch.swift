/// Hears of children that have ended. A supervisor's are the handler, which is waited for by name, and its orphaned descendants, which
/// nobody asks for: each is a zombie until it is reaped.
import CLinux
import Glibc

struct ChildWatch {
    /// Readable when a child has ended; -1 where that is not to be had: then one has to look.
    let raw: Int32

    /// SIGCHLD is blocked from here on.
    init() { raw = linux_child_signals() }

    /// Takes the news, and reaps all children that have ended but this one. When that one has ended others may be left: they come with the
    /// next call, or are swept up after it (`StopLadder`).
    func reap(besides handler: pid_t) {
        var news = [UInt8](repeating: 0, count: 128)
        _ = read(raw, &news, news.count)
        while case let child = linux_ended_child(), child > 0, child != handler { waitpid(child, nil, WNOHANG) }
    }
}
