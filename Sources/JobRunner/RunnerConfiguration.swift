/// What a runner has to be told; everything else it finds in the spool.
package import SpoolProtocol
import SpoolStorage

package struct RunnerConfiguration: Sendable {
    /// Who serves the spool.
    package var identity: DaemonIdentity
    /// What starts the attempts' supervisors.
    var launcher: any AttemptLauncher
    package var programs: ProgramPath
    /// How long a request that does not parse must have been still before it is rejected, in seconds.
    package var settleSeconds: Double = 2
    /// How many lanes may be at work at once.
    package var maxLanes: Int
    /// How many pending jobs a user may have who is neither the daemon's nor root; what is more is held back (`RunnerHeldBack`).
    package var maxPendingPerUser = RunnerConfiguration.standardMaxPendingPerUser
    package static let standardMaxPendingPerUser = 10_000
    /// What happens to running attempts when the daemon stops.
    package var onStop: OnStop = .stop

    package enum OnStop: String, Sendable, CaseIterable {
        /// They are asked to stop; their jobs go on at the next start.
        case stop
        /// They run on; the next daemon takes them up.
        case leave
    }

    /// Changes when the machine is started anew.
    var bootID = Spool.bootID

    package var retention = Retention(archiveAfter: .never, deleteArchivedAfter: .never)
    /// The size in bytes past which a new `spool.events.jsonl` is begun.
    package var rotateEventsAt: Int64 = 16 << 20

    /// How many files of the spool are looked at in one step of a look at all of it.
    var rescanStep = 1000

    /// What is added at random to the wait before an attempt that is tried again, from 0 to 1 (`RetryPolicy`).
    var jitter: @Sendable () -> Double = { .random(in: 0...1) }
    var followerRhythm = FollowerRhythm()

    /// - Parameter supervisor: the executable that becomes an attempt's supervisor when it is started under
    ///   `AttemptSupervisor.processName`.
    package init(identity: DaemonIdentity, supervisor: String, programs: ProgramPath, maxLanes: Int) {
        self.identity = identity
        launcher = SupervisorLauncher(program: supervisor)
        self.programs = programs
        self.maxLanes = maxLanes
    }
}
