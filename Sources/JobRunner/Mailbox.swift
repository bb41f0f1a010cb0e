/// Everything that a runner hears of, in one order: whoever has news puts it here, and the loop takes it out.
import SpoolProtocol
import SpoolStorage

enum News: Sendable {
    /// There are hints to take.
    case wakeUps
    /// There are names to look at.
    case lookOn
    /// The look at the whole directory goes on.
    case scanOn
    /// Not all schedules that are due have been looked at.
    case schedules
    /// Not all jobs whose wait may be over have been looked at.
    case recheck
    /// A time that the runner waited for has come.
    case tick
    /// Likewise; CLOCK_MONOTONIC, seconds.
    case slept(until: Double)
    /// A follower has started the next job of its lane.
    case begun
    case followed(JobName, jobID: String, FollowReport)
    case askedToStop(JobName, jobID: String, StopReason)
    /// Accepted requests are on the disk, or are not.
    case accepted([(name: JobName, error: SpoolError?)])
    /// Results are on the disk, or are not.
    case committed([CommitReport])
    /// Results have waited for others long enough.
    case commit
    /// It is time to go on archiving.
    case retain
    case trouble(SpoolError)
    /// What people are to hear of.
    case warning(String)
    case stop(RunnerConfiguration.OnStop)
    /// Somebody wants to know how things stand when all that was put here before has been heard.
    case inspect(@Sendable (isolated Runner) -> Void)
}

final class Mailbox: Sendable {
    let news: AsyncStream<News>
    private let continuation: AsyncStream<News>.Continuation

    init() { (news, continuation) = AsyncStream.makeStream(of: News.self) }

    func put(_ news: News) { continuation.yield(news) }
}
