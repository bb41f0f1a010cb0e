/// A follower blocks in poll(2) and on the disk, so it gets a thread of its own instead of one of the few that all tasks share.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage

extension AttemptFollower {
    /// Follows the attempt; what hinders the following is told and tried again, for the attempt runs all the same.
    func follow(on threads: ThreadPool) async -> FollowReport {
        let clocks = Clock.replacement
        return await withCheckedContinuation { continuation in
            threads.run {
                Clock.$replacement.withValue(clocks) { continuation.resume(returning: insistOnFollowing()) }
            }
        }
    }

    private func insistOnFollowing() -> FollowReport {
        var follower = self
        while true {
            do throws(SpoolError) {
                return try follower.follow()
            } catch {
                complain(error)
                let isLeft = link.isLeftToTheNext && link.process.waitForSupervisorEnd(milliseconds: 0)
                if link.isDetached || isLeft { return .nothingFound(plan.status) }
                _ = poll(nil, 0, rhythm.retry)
                // What the first try has written stands in the files.
                follower.plan.isNewJob = false
            }
        }
    }
}

extension FollowReport {
    /// The attempt was left running before anything could be read.
    fileprivate static func nothingFound(_ status: JobStatus) -> FollowReport {
        FollowReport(
            ending: .detached, status: status, result: .null, failureIsRetryable: false, itemsFailed: false,
            errorsTotal: 0, errors: [], madeProgress: false)
    }
}
