/// Which process an attempt's handler is, as its supervisor wrote it down right after it had started it. It is needed when the supervisor
/// was killed and the handler shows by nothing else whose it is. A process number may be another's by now: it counts only for a
/// process that was started in this boot and in the time that the record tells (proc_pid_stat(5), `starttime`).
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

struct HandlerTrace: Equatable {
    private let process: pid_t
    private let bootID: String
    /// CLOCK_BOOTTIME before and after the start, in seconds.
    private let started: ClosedRange<Double>

    /// Inherited by what the fork server forks.
    static let bootID = Spool.bootID

    static func bootSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// A process that was started after `begin`, and by now.
    init(_ process: pid_t, startedAfter begin: Double) {
        self.process = process
        bootID = Self.bootID
        started = begin...max(begin, Self.bootSeconds())
    }

    // MARK: The record

    func line(of attempt: String) -> [UInt8] {
        let times: JSON = [JSON(started.lowerBound), JSON(started.upperBound)]
        return JSON.object([
            "of": .string(attempt), "handler": JSON(Int(process)), "boot_id": .string(bootID), "boot_seconds": times,
        ]).line
    }

    init?(json: JSON) {
        guard let process = json["handler"]?.int64.flatMap({ pid_t(exactly: $0) }), process > 1,
            let bootID = json["boot_id"]?.string, let times = json["boot_seconds"]?.array, times.count == 2,
            let begin = times[0].double, let end = times[1].double, begin <= end
        else { return nil }
        self.process = process
        self.bootID = bootID
        started = begin...end
    }

    // MARK: Looking for it

    /// The handler and who is in its process group; none when the handler has ended: then nobody can tell whose group that is.
    func living() throws(SpoolError) -> [pid_t] {
        guard bootID == Self.bootID, let stat = ProcessStat(process), stat.isAlive, mayBe(stat) else { return [] }
        return try Orphans.processes().filter { $0 == process || getpgid($0) == process }
    }

    /// The kernel counts in ticks.
    private func mayBe(_ stat: ProcessStat) -> Bool {
        let tick = 1 / Double(sysconf(Int32(_SC_CLK_TCK)))
        return (started.lowerBound - 2 * tick...started.upperBound + 2 * tick).contains(Double(stat.startTicks) * tick)
    }
}
