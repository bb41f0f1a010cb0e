/// One lane: the jobs that wait in it, and those on the way from their start to their result. Its next job starts as soon as
/// an attempt has ended, while the result of that one gets to the disk; but what is told keeps the order: a start is shown, in the feed
/// and in the status, when the ends before it are.
import SpoolProtocol
import SpoolStorage

/// A request, and the file that it was read from as that was then.
struct KnownRequest {
    var name: JobName
    var request: Request
    var stat: FileStat

    /// Whether the file is still that one, as it was.
    func isUnchanged(in root: Directory) throws(SpoolError) -> Bool {
        guard let file = SpoolFile.request(name).fileName else { return false }
        return try root.stat(file) == stat
    }
}

struct Lane {
    var queue = LaneQueue()
    /// The jobs with an attempt: one, the one behind it when it has started already, or after a restart all that an earlier daemon left.
    private(set) var running: [JobName] = []
    /// Jobs whose attempt has ended and whose result is on its way to the disk, in the order of their ends.
    private(set) var ending: [JobName] = []
    /// Starts behind those that nobody has been told of, in order.
    private var untold: [JobStatus] = []

    /// The next job, made ready while another one runs.
    var armed: ArmedJob?
    /// Where that one is left for the follower of the one that runs.
    let handOver = HandOver()

    /// Ends of attempts that wait until those before them have been told.
    var postponed: [News] = []

    /// Its next job may start.
    var isFree: Bool { running.isEmpty }

    var hasResultsUnderWay: Bool { !ending.isEmpty }

    mutating func takePostponed() -> [News] {
        defer { postponed = [] }
        return postponed
    }

    /// An attempt has begun; true: it may be told at once, if it is not told already. The one before it may have ended without the
    /// runner having heard of it yet.
    /// - Parameter isHeld: something else about it has to be told first.
    mutating func begin(_ status: JobStatus, isKnown: Bool, isHeld: Bool) -> Bool {
        let isFirst = running.isEmpty && ending.isEmpty && untold.isEmpty
        running.append(status.identity.name)
        if isKnown || isFirst && !isHeld { return true }
        untold.append(status)
        return false
    }

    /// An attempt has ended.
    mutating func end(_ name: JobName) { running.removeAll { $0 == name } }

    /// Its job is over, as will be told when the result is on the disk.
    mutating func awaitResult(of name: JobName) { ending.append(name) }

    /// The start of a job that is about to be told to be over.
    mutating func takeStart(of jobID: String) -> JobStatus? {
        untold.firstIndex { $0.identity.jobID == jobID }.map { untold.remove(at: $0) }
    }

    /// The end of a job has been told, or cannot be.
    mutating func leave(_ name: JobName) { ending.removeAll { $0 == name } }

    /// The next start that may be told.
    mutating func takeTellable(isHeld: (JobName) -> Bool) -> JobStatus? {
        guard let next = untold.first?.identity.name, !isHeld(next), ending.first ?? running.first == next else {
            return nil
        }
        return untold.removeFirst()
    }
}
