/// The fork server's children, each the supervisor of one attempt after another: between two it has nothing of either open. One
/// more is kept waiting than have been at work for longer than a moment, or stuck: starting a handler can take as long as a file server
/// is gone. What is to do for that comes after what the attempts need.
import CLinux
import Glibc
import SpoolStorage

struct SupervisorPool {
    /// The daemon's orders: whoever waits takes the next.
    private let orders: Int32
    private var children: [Child] = []

    private struct Child {
        /// By which it says that it waits again, after `moment` has expired; the end of it says that it is gone.
        let news: Int32
        /// Expires when it has been at work for a moment: it winds this up itself, for it may be stuck then. Runs as long as it waits.
        let moment: Int32
        var isWaiting = true

        func close() {
            for descriptor in [news, moment] where descriptor >= 0 { _ = Glibc.close(descriptor) }
        }
    }

    /// The whole life of the fork server, which was started with the socket as descriptor 3; and of each child. Returns the exit status.
    static func serve() -> Int32 {
        // The children are nobody's to wait for.
        signal(SIGCHLD, SIG_IGN)
        AttemptSupervisor.ignoreSignals()
        AttemptSupervisor.warmUp()
        var pool = SupervisorPool(orders: outOfTheWay(AttemptFile.controlDescriptor))
        while true {
            if !pool.children.contains(where: \.isWaiting), let child = pool.fork() { return child.serve() }
            pool.listen()
            if linux_is_peer_gone(pool.orders) != 0 { return 0 }
        }
    }

    /// Moves a descriptor above those that attempts use.
    private static func outOfTheWay(_ descriptor: Int32) -> Int32 {
        defer { close(descriptor) }
        return fcntl(descriptor, F_DUPFD_CLOEXEC, 16)
    }

    // MARK: The server

    /// Forks a child, and returns what it is to do in it; nil in the server.
    private mutating func fork() -> WaitingSupervisor? {
        var pipe: [Int32] = [-1, -1]
        guard Glibc.pipe(&pipe) == 0 else { return nil }
        let moment = linux_timer()
        _ = linux_set_timer(moment, WaitingSupervisor.never)
        let child = moment < 0 ? -1 : linux_fork()
        if child == 0 {
            close(pipe[0])
            for child in children { child.close() }
            let server = Self.outOfTheWay(pipe[1])
            return WaitingSupervisor(orders: orders, server: server, moment: Self.outOfTheWay(moment))
        }
        close(pipe[1])
        let known = Child(news: pipe[0], moment: moment)
        if child < 0 { known.close() } else { children.append(known) }
        return nil
    }

    /// Waits until there is something to hear of a child; for a while when there cannot be, since no more processes are allowed just now.
    private mutating func listen() {
        var waits = children.flatMap { [$0.news, $0.moment] }.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let isShort = !children.contains(where: \.isWaiting)
        guard poll(&waits, nfds_t(waits.count), isShort ? 100 : -1) > 0 else { return }
        var gone: [Int32] = []
        for index in children.indices {
            let (news, moment) = (waits[2 * index], waits[2 * index + 1])
            var words = [UInt8](repeating: 0, count: 64)
            if news.revents != 0 {
                let count = read(news.fd, &words, words.count)
                if count == 0 || count < 0 && errno != EINTR { gone.append(news.fd) }
            }
            if moment.revents != 0 { _ = read(moment.fd, &words, words.count) }
            // What has been read came at different times; what the timer says is so now, and of any change after that there is news again.
            if news.revents != 0 || moment.revents != 0 {
                children[index].isWaiting = linux_is_timer_running(moment.fd) != 0
            }
        }
        for child in children where gone.contains(child.news) { child.close() }
        children.removeAll { gone.contains($0.news) }
    }
}

/// A child of the fork server.
private struct WaitingSupervisor {
    let orders: Int32
    /// By which it says that it waits again, when the server can have heard by `moment` that it does not.
    let server: Int32
    /// Has expired while it is at work for long.
    let moment: Int32

    /// After so many attempts its place is left to a new one.
    private static let attempts = 500
    /// What is over within so many nanoseconds leaves no time to fork another one: that would only be in its way.
    private static let shortTime = 1_500_000
    /// A hundred years, in nanoseconds.
    static let never = 100 * 365 * 86_400 * 1_000_000_000

    /// Returns the exit status.
    func serve() -> Int32 {
        signal(SIGCHLD, SIG_DFL)
        setsid()
        AttemptSupervisor.becomeSupervisor()
        let null = fcntl(open("/dev/null", O_RDWR | O_CLOEXEC), F_DUPFD_CLOEXEC, 16)
        Self.letGo(null)
        let children = ChildWatch()
        for _ in 0..<Self.attempts {
            // Whoever waits here is woken alone. It ends with the daemon, or when the daemon has another server.
            guard let order = ForkServer.receive(from: orders) else { break }
            _ = linux_set_timer(moment, Self.shortTime)
            if Self.take(order.descriptors) {
                _ = AttemptSupervisor.supervise(order.arguments, environment: order.environment, children)
            }
            Self.letGo(null)
            if linux_set_timer(moment, Self.never) == 0 { tellThatItWaits() }
        }
        return 0
    }

    private func tellThatItWaits() {
        var word: UInt8 = 0
        _ = write(server, &word, 1)
    }

    /// The attempt's descriptors become 0 to 3, its directory the working one.
    private static func take(_ descriptors: [Int32]) -> Bool {
        var isDone = fchdir(descriptors[descriptors.count - 1]) == 0
        for (target, descriptor) in descriptors.dropLast().enumerated() {
            isDone = dup2(descriptor, Int32(target)) >= 0 && isDone
        }
        // The orders are not the handler's.
        _ = fcntl(AttemptFile.controlDescriptor, F_SETFD, FD_CLOEXEC)
        for descriptor in descriptors { close(descriptor) }
        return isDone
    }

    /// Closes the outputs, and with them the lock, before the FIFO that wakes the daemon.
    private static func letGo(_ null: Int32) {
        chdir("/")
        for descriptor in 0...AttemptFile.controlDescriptor { dup2(null, descriptor) }
    }
}
