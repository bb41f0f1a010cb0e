/// Where supervisors come from: a process that has been started once, and forks what would otherwise have to be loaded and linked
/// anew for each attempt. It is this very program and ends with the daemon; its children (`SupervisorPool`) wait for orders, so that
/// no job waits for a fork. An attempt does not notice when the daemon and the server have gone.
import CLinux
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization

/// The daemon's end.
final class ForkServer: Sendable {
    private let program: String
    private let server = Mutex<Server?>(nil)

    private struct Server {
        let socket: Int32
        let process: pid_t

        /// Its children have the other end of the socket, too, and outlive it. The daemon ignores SIGCHLD, so one that has ended is no child
        /// any more.
        var isAlive: Bool { waitpid(process, nil, WNOHANG) == 0 }
    }

    /// The largest packet, in bytes: more may not fit the socket's buffer (`net.core.wmem_default`).
    private static let maximumBytes = 1 << 16
    private static let descriptorCount = 5

    /// - Parameter program: the executable that becomes a supervisor.
    init(program: String) { self.program = program }

    deinit { server.withLock { if let server = $0 { close(server.socket) } } }

    /// Has a supervisor forked with these arguments and environment, the first four descriptors as its own, in this
    /// directory. False when that is not possible: then it has to be started by itself.
    func launch(arguments: [String], environment: [String], descriptors: [Int32], directory: Directory) -> Bool {
        // How many arguments there are, those, the environment.
        let bytes = ExecStrings([String(arguments.count)] + arguments + environment).block
        guard bytes.count <= Self.maximumBytes else { return false }
        return server.withLock { server in
            // One that died is started again, once.
            for _ in 1...2 {
                if server == nil { server = start() }
                guard let running = server else { return false }
                let all = descriptors + [directory.raw]
                if running.isAlive,
                    linux_send_descriptors(running.socket, bytes, bytes.count, all, Int32(all.count)) == bytes.count
                {
                    return true
                }
                close(running.socket)
                server = nil
            }
            return false
        }
    }

    /// nil: it cannot be started.
    private func start() -> Server? {
        var sockets: [Int32] = [-1, -1]
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        guard null >= 0 else { return nil }
        defer { close(null) }
        guard linux_socket_pair(&sockets) == 0 else { return nil }
        defer { close(sockets[1]) }
        var pid: pid_t = 0
        let code = "/".withCString { root in
            [null, null, STDERR_FILENO, sockets[1]].withUnsafeBufferPointer { descriptors in
                var setup = linux_spawn_setup()
                setup.directory = -1
                setup.directory_path = root
                setup.descriptors = descriptors.baseAddress
                setup.descriptor_count = Int32(descriptors.count)
                setup.new_session = 1
                return ExecStrings([AttemptFile.supervisorName, Self.argument]).withPointers { arguments in
                    linux_spawn(&pid, program, &setup, arguments, environ)
                }
            }
        }
        if code == 0 { return Server(socket: sockets[0], process: pid) }
        close(sockets[0])
        return nil
    }

    /// The argument that makes a supervisor's program the server.
    static let argument = "--fork-server"

    // MARK: Orders

    /// What a supervisor is asked to do.
    struct Order {
        var arguments: ExecStrings
        var environment: ExecStrings
        /// What becomes its descriptors 0 to 3, and the directory.
        var descriptors: [Int32]

        /// nil: that is none.
        init?(_ packet: [UInt8], _ descriptors: [Int32]) {
            let strings = ExecStrings(block: packet)
            guard strings.count > 1, let count = Int(strings[0]), (1..<strings.count).contains(count) else {
                return nil
            }
            arguments = strings.dropFirst(1).prefix(count)
            environment = strings.dropFirst(1 + count)
            self.descriptors = descriptors
        }
    }

    /// Waits for an order; nil when the daemon is gone, or for an order that is none.
    static func receive(from socket: Int32) -> Order? {
        var bytes = [UInt8](repeating: 0, count: maximumBytes + 1)
        var descriptors = [Int32](repeating: -1, count: descriptorCount)
        while true {
            let count = linux_receive_descriptors(socket, &bytes, bytes.count, &descriptors, Int32(descriptorCount))
            if count > 0 { return Order(Array(bytes[..<count]), descriptors) }
            if count < 0, errno == EINTR { continue }
            return nil
        }
    }
}
