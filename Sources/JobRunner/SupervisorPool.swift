/// The fork server's children, each the supervisor of one attempt after another: between two it has nothing of either open. One
/// more is kept waiting than have been at work for longer than a moment; what is to do for that comes after what the attempts need.
import CLinux
import Glibc
import SpoolStorage

struct SupervisorPool {
    /// The daemon's orders: whoever waits takes the next.
    private let orders: Int32
    private var children: [Child] = []

    private struct Child {
        /// By which it says how it stands; the end of it says that it is gone.
        let news: Int32
        var isWaiting = true
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
        let child = linux_fork()
        if child == 0 {
            close(pipe[0])
            for child in children { close(child.news) }
            let server = Self.outOfTheWay(pipe[1])
            return WaitingSupervisor(orders: orders, server: server)
        }
        close(pipe[1])
        if child < 0 { close(pipe[0]) } else { children.append(Child(news: pipe[0])) }
        return nil
    }

    /// Waits until a child says something; for a while when none can, since no more processes are allowed just now.
    private mutating func listen() {
        var waits = children.map { pollfd(fd: $0.news, events: Int16(POLLIN), revents: 0) }
        let isShort = !children.contains(where: \.isWaiting)
        guard poll(&waits, nfds_t(waits.count), isShort ? 100 : -1) > 0 else { return }
        var gone: [Int32] = []
        for (index, wait) in waits.enumerated() where wait.revents != 0 {
            var words = [UInt8](repeating: 0, count: 64)
            let count = read(wait.fd, &words, words.count)
            if count > 0 {
                children[index].isWaiting = words[count - 1] == SupervisorWord.waiting.rawValue
            } else if count == 0 || errno != EINTR {
                gone.append(wait.fd)
            }
        }
        children.removeAll { gone.contains($0.news) }
        for descriptor in gone { close(descriptor) }
    }
}

/// What a child says.
private enum SupervisorWord: UInt8 {
    case atWork = 0x57
    case waiting = 0x49
}

/// A child of the fork server.
private struct WaitingSupervisor {
    let orders: Int32
    /// By which it says how it stands.
    let server: Int32

    /// After so many attempts its place is left to a new one.
    private static let attempts = 500

    /// Returns the exit status.
    func serve() -> Int32 {
        signal(SIGCHLD, SIG_DFL)
        setsid()
        AttemptSupervisor.becomeSupervisor()
        let null = fcntl(open("/dev/null", O_RDWR | O_CLOEXEC), F_DUPFD_CLOEXEC, 16)
        Self.letGo(null)
        for _ in 0..<Self.attempts {
            // Whoever waits here is woken alone. It ends with the daemon, or when the daemon has another server.
            guard let order = ForkServer.receive(from: orders) else { break }
            var isAtWork = false
            if Self.take(order.descriptors) {
                // What is over within a moment leaves no time to fork another one: that would only be in its way.
                _ = AttemptSupervisor.supervise(order.arguments, environment: order.environment) {
                    if !isAtWork { tell(.atWork) }
                    isAtWork = true
                }
            }
            Self.letGo(null)
            if isAtWork { tell(.waiting) }
        }
        return 0
    }

    private func tell(_ word: SupervisorWord) {
        var word = word.rawValue
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
