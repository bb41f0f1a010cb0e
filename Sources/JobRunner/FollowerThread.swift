/// A follower blocks in poll(2) and on the disk, so it gets a thread of its own instead of one of the few that all tasks share.
import Dispatch
import Glibc
import SpoolProtocol
import SpoolStorage

extension AttemptFollower {
    /// Follows the attempt; what hinders the following is told and tried again, for the attempt runs all the same.
    func followOnThread() async -> FollowReport {
        let queue = DispatchQueue(label: "attempt \(plan.status.identity.jobID)")
        return await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: insistOnFollowing()) }
        }
    }

    private func insistOnFollowing() -> FollowReport {
        var follower = self
        while true {
            do throws(SpoolError) {
                return try follower.follow()
            } catch {
                complain(error)
                _ = poll(nil, 0, 1000)
                // What the first try has written stands in the files.
                follower.plan.isNewJob = false
            }
        }
    }
}
