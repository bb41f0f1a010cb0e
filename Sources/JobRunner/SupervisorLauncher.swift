/// Starting an attempt's supervisor: forked from the server that is already loaded, or spawned where that is not to be had.
/// A test puts something else in its place, which lives in its own process.
import CLinux
import Glibc
import SpoolStorage

/// What starts supervisors. One that has been started holds the descriptors until no process of its attempt is left.
protocol AttemptLauncher: Sendable {
    /// - Throws: `SpoolError`: nothing has been started.
    func launch(_ start: SupervisorStart) throws(SpoolError)
}

/// What a supervisor is started with.
struct SupervisorStart {
    /// Its name, which attempt it is, the grace time, the handler's working directory and command: see `AttemptSupervisor`.
    var arguments: [String]
    /// The handler's.
    var environment: [String]
    /// What becomes its descriptors 0 to 3: the request, the two outputs, of which the first bears the lock, and the control FIFO. The
    /// caller closes its own.
    var descriptors: [Int32]
    /// The attempt's directory.
    var directory: Directory
}

/// Real processes.
struct SupervisorLauncher: AttemptLauncher {
    /// The executable that becomes a supervisor.
    private let program: String
    private let forkServer: ForkServer

    init(program: String) {
        self.program = program
        forkServer = ForkServer(program: program)
    }

    func launch(_ start: SupervisorStart) throws(SpoolError) {
        let isForked = forkServer.launch(
            arguments: start.arguments, environment: start.environment, descriptors: start.descriptors,
            directory: start.directory)
        if !isForked { try spawn(start) }
    }

    private func spawn(_ start: SupervisorStart) throws(SpoolError) {
        try start.directory.system.perform(.spawn, program) { () -> Int32 in
            var pid: pid_t = 0
            errno = start.descriptors.withUnsafeBufferPointer { descriptors in
                // libinotifytools' descriptor has no CLOEXEC and cannot be had: nothing but these is passed on.
                var setup = linux_spawn_setup()
                setup.directory = start.directory.raw
                setup.descriptors = descriptors.baseAddress
                setup.descriptor_count = Int32(descriptors.count)
                setup.new_session = 1
                return ExecStrings(start.arguments).withPointers { arguments in
                    ExecStrings(start.environment).withPointers { linux_spawn(&pid, program, &setup, arguments, $0) }
                }
            }
            return errno == 0 ? 0 : -1
        }
    }
}
