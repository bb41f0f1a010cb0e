/// Waiting for what somebody else holds, a little at a time: for so long, and no longer than the job is wanted.
import Glibc

package struct Patience: Sendable {
    /// Of one wait, in milliseconds.
    let limit: Int
    private let isStopping: @Sendable () -> Bool

    /// - Parameters:
    ///   - seconds: at most, for one wait.
    ///   - isStopping: whether nobody wants the job to go on.
    package init(seconds: Double, isStopping: @escaping @Sendable () -> Bool) {
        limit = Int(seconds * 1000)
        self.isStopping = isStopping
    }

    /// What a job has for others who are at the same file: 30 s.
    package init(_ job: Job) { self.init(seconds: 30) { job.isStopping } }

    /// Waits a moment before the next try: 1, 2, 4 … ms, and from then on a tenth of a second.
    /// - Parameter tries: how many there were before, in this wait.
    /// - Returns: false, at once, when it has lasted long enough, or the job is to stop.
    package func waits(after tries: Int) -> Bool {
        guard !isStopping(), Self.waited(tries) < limit else { return false }
        // A signal ends the moment.
        usleep(UInt32(Self.moment(tries) * 1000))
        return true
    }

    private static func moment(_ tries: Int) -> Int { tries < 7 ? 1 << tries : 100 }

    /// Milliseconds that so many tries have taken.
    private static func waited(_ tries: Int) -> Int { tries < 8 ? (1 << tries) - 1 : 127 + (tries - 7) * 100 }
}
