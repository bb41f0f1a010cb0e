/// How an attempt's processes are stopped: TERM to the process group, the grace time, then KILL until nobody is left.
/// Descendants that left the group come back to the supervisor as children (it is their subreaper) and go the same way.
import Glibc
import SpoolStorage

struct StopLadder {
    private let group: pid_t
    /// Nobody is left in the group, and its number may be another's by now.
    private var isGroupGone = false
    private let grace: Double
    /// Of those that have left the group: who has been sent TERM.
    private var asked: Set<pid_t> = []
    private var step = Step.notAsked

    private enum Step {
        case notAsked
        /// TERM has been sent; KILL follows at this time (CLOCK_MONOTONIC, seconds).
        case asked(killAt: Double)
        case killing(since: Double)
    }

    /// How often KILL is sent again while somebody is left: a process may fork between two looks.
    private static let pollMilliseconds: Int32 = 10
    /// How often children are looked for that have left the group and are to be asked, too.
    private static let lookMilliseconds = 100.0
    /// Whoever is there so long after KILL was sent first does not end by it, in seconds: another user's, or stuck in the kernel.
    static let patience = 5.0
    private var hasToldOfSurvivors = false

    init(group: pid_t, grace: Double) {
        self.group = group
        self.grace = grace
    }

    /// Sends TERM, the first time it is called.
    mutating func begin() {
        guard case .notAsked = step else { return }
        if !isGroupGone { ask(-group) }
        askStrays()
        step = .asked(killAt: Clock.monotonic() + grace)
    }

    /// Goes on to KILL when the grace time is over.
    mutating func climb() {
        if case .asked(let killAt) = step, case let now = Clock.monotonic(), now >= killAt {
            step = .killing(since: now)
        }
        switch step {
        case .notAsked: break
        // Whose parent has ended since has come here since.
        case .asked: askStrays()
        case .killing: killAll()
        }
    }

    /// Until there is something to do: for poll(2), -1 is for ever.
    func nextStepMilliseconds() -> Int32 {
        switch step {
        case .notAsked: -1
        // Nobody tells of those whose parent has ended.
        case .asked(let killAt): Int32(min(max(0, (killAt - Clock.monotonic()) * 1000 + 1), Self.lookMilliseconds))
        case .killing: Self.pollMilliseconds
        }
    }

    /// How many the handler has left behind and that have not ended since: what has is reaped.
    mutating func leftBehind() -> Int {
        reap()
        lookAtGroup()
        return max(children().count, isGroupGone ? 0 : 1)
    }

    /// Goes on stopping whoever the handler left behind.
    /// - Returns: whether nobody is left.
    mutating func sweepStep() -> Bool {
        begin()
        reap()
        lookAtGroup()
        if isGroupGone, children().isEmpty { return true }
        climb()
        _ = poll(nil, 0, Self.pollMilliseconds)
        return false
    }

    /// Those who do not end though KILL was sent to them, in words; nil when there are none, or that has been told.
    mutating func takeSurvivors() -> String? {
        guard case .killing(let since) = step, !hasToldOfSurvivors, Clock.monotonic() >= since + Self.patience else {
            return nil
        }
        hasToldOfSurvivors = true
        let who = children().compactMap(ProcessStat.describe)
        return who.isEmpty ? nil : who.joined(separator: ", ")
    }

    private func reap() {
        while waitpid(-1, nil, WNOHANG) > 0 {}
    }

    /// Once its leader has been reaped: an empty group does not come back.
    private mutating func lookAtGroup() { isGroupGone = isGroupGone || kill(-group, 0) == -1 && errno == ESRCH }

    private func ask(_ process: pid_t) {
        _ = kill(process, SIGTERM)
        // A stopped process cannot see TERM.
        _ = kill(process, SIGCONT)
    }

    private mutating func askStrays() { for child in strays() where asked.insert(child).inserted { ask(child) } }

    private func killAll() {
        if !isGroupGone { _ = kill(-group, SIGKILL) }
        for child in strays() { _ = kill(child, SIGKILL) }
    }

    /// Children that have left the group.
    private func strays() -> [pid_t] { children().filter { isGroupGone || getpgid($0) != group } }

    /// The supervisor's children by proc(5); the handler itself is one of them as long as it lives.
    private func children() -> [pid_t] {
        guard let file = fopen("/proc/self/task/\(getpid())/children", "re") else { return [] }
        defer { fclose(file) }
        var list: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        // To its end: half a number is somebody else's.
        while case let count = fread(&bytes, 1, bytes.count, file), count > 0 { list += bytes.prefix(count) }
        return String(decoding: list, as: UTF8.self).split(separator: " ").compactMap { pid_t($0) }
    }
}
