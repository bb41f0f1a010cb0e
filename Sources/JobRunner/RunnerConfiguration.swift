/// What a runner has to be told; everything else it finds in the spool.
package import SpoolProtocol

package struct RunnerConfiguration: Sendable {
    /// Who serves the spool.
    package var identity: DaemonIdentity
    /// The executable that becomes an attempt's supervisor when it is started under `AttemptSupervisor.processName`.
    package var supervisor: String
    package var programs: ProgramPath
    /// How long a request that does not parse must have been still before it is rejected, in seconds.
    package var settleSeconds: Double = 2
    /// How many lanes may be at work at once.
    package var maxLanes: Int
    /// What happens to running attempts when the daemon stops.
    package var onStop: OnStop = .stop

    package enum OnStop: String, Sendable, CaseIterable {
        /// They are asked to stop; their jobs go on at the next start.
        case stop
        /// They run on; the next daemon takes them up.
        case leave
    }

    package init(identity: DaemonIdentity, supervisor: String, programs: ProgramPath, maxLanes: Int) {
        self.identity = identity
        self.supervisor = supervisor
        self.programs = programs
        self.maxLanes = maxLanes
    }
}
