/// Where supervisors come from: a process that has been started once, and forks for each attempt what would otherwise
/// have to be loaded and linked anew. One child is always ready and waits for the next order, so that no job waits for a fork.
/// It is this very program, has one thread and nothing open but its socket, and ends with the daemon. An attempt that has
/// been forked does not notice that.
import CLinux
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization

/// The daemon's end.
final class ForkServer: Sendable {
    private let program: String
    private let socket = Mutex<Int32>(-1)

    /// The largest packet, in bytes: more may not fit the socket's buffer (`net.core.wmem_default`).
    private static let maximumBytes = 1 << 16
    private static let descriptorCount = 5

    /// - Parameter program: the executable that becomes a supervisor.
    init(program: String) { self.program = program }

    deinit { socket.withLock { if $0 >= 0 { close($0) } } }

    /// Has a supervisor forked with these arguments and environment, the first four descriptors as its own, in this
    /// directory. False when that is not possible: then it has to be started by itself.
    func launch(arguments: [String], environment: [String], descriptors: [Int32], directory: Directory) -> Bool {
        let order: JSON = [
            "arguments": .array(arguments.map { .string($0) }), "environment": .array(environment.map { .string($0) }),
        ]
        let bytes = order.bytes
        guard bytes.count <= Self.maximumBytes else { return false }
        return socket.withLock { socket in
            // A server that died is started again, once.
            for _ in 1...2 {
                if socket < 0 { socket = start() }
                if socket < 0 { return false }
                let all = descriptors + [directory.raw]
                if linux_send_descriptors(socket, bytes, bytes.count, all, Int32(all.count)) == bytes.count {
                    return true
                }
                close(socket)
                socket = -1
            }
            return false
        }
    }

    /// Starts the server and returns the socket, or -1.
    private func start() -> Int32 {
        var sockets: [Int32] = [-1, -1]
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        guard null >= 0, linux_socket_pair(&sockets) == 0 else { return -1 }
        defer {
            close(null)
            close(sockets[1])
        }
        var pid: pid_t = 0
        let code = "/".withCString { root in
            [null, null, STDERR_FILENO, sockets[1]].withUnsafeBufferPointer { descriptors in
                var setup = linux_spawn_setup()
                setup.directory = -1
                setup.directory_path = root
                setup.descriptors = descriptors.baseAddress
                setup.descriptor_count = Int32(descriptors.count)
                setup.new_session = 1
                return withCStringArray([AttemptFile.supervisorName, Self.argument]) { arguments in
                    linux_spawn(&pid, program, &setup, arguments, environ)
                }
            }
        }
        if code == 0 { return sockets[0] }
        close(sockets[0])
        return -1
    }

    // MARK: The server's end

    /// The argument that makes a supervisor's program the server.
    static let argument = "--fork-server"

    /// Keeps one child ready that waits for an order, until the daemon is gone; returns in each child that has got one, with the
    /// arguments of a supervisor.
    static func serve() -> [String]? {
        // The children are nobody's to wait for.
        signal(SIGCHLD, SIG_IGN)
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] { Glibc.signal(signal, SIG_IGN) }
        while true {
            switch forkReadyChild() {
            case .isChild(let taken):
                guard let (order, descriptors) = receive() else { exit(0) }
                var told: UInt8 = 1
                _ = write(taken, &told, 1)
                return settle(order, descriptors)
            case .took: continue
            case .ended: if linux_is_peer_gone(AttemptFile.controlDescriptor) != 0 { return nil }
            case .failed:
                if linux_is_peer_gone(AttemptFile.controlDescriptor) != 0 { return nil }
                // No more processes are allowed just now.
                _ = poll(nil, 0, 100)
            }
        }
    }

    /// What became of a child, in the parent; and that this is the child.
    private enum Fork {
        /// The end of a pipe by which it says that it has got an order.
        case isChild(Int32)
        case took, ended, failed
    }

    /// Forks a child, and waits in the parent until it has something to do or is gone.
    private static func forkReadyChild() -> Fork {
        var pipe: [Int32] = [-1, -1]
        guard Glibc.pipe(&pipe) == 0 else { return .failed }
        let child = linux_fork()
        if child == 0 {
            close(pipe[0])
            return .isChild(pipe[1])
        }
        close(pipe[1])
        defer { close(pipe[0]) }
        if child < 0 { return .failed }
        var told: UInt8 = 0
        while true {
            let count = read(pipe[0], &told, 1)
            if count < 0, errno == EINTR { continue }
            return count == 1 ? .took : .ended
        }
    }

    /// Waits for an order; nil when the daemon is gone, or for an order that is none.
    private static func receive() -> ([UInt8], [Int32])? {
        var bytes = [UInt8](repeating: 0, count: maximumBytes + 1)
        var descriptors = [Int32](repeating: -1, count: descriptorCount)
        while true {
            let count = linux_receive_descriptors(
                AttemptFile.controlDescriptor, &bytes, bytes.count, &descriptors, Int32(descriptorCount))
            if count > 0 { return (Array(bytes[..<count]), descriptors) }
            if count < 0, errno == EINTR { continue }
            return nil
        }
    }

    /// Becomes the supervisor that the order is for; nil when it makes no sense.
    private static func settle(_ order: [UInt8], _ descriptors: [Int32]) -> [String]? {
        signal(SIGCHLD, SIG_DFL)
        let json: JSON
        do {
            json = try JSON(parsing: order)
        } catch {
            return nil
        }
        let own = Array(descriptors.prefix(descriptorCount - 1))
        guard linux_settle_after_fork(descriptors[descriptorCount - 1], own, Int32(own.count)) == 0 else { return nil }
        var environment = (json["environment"]?.array ?? []).compactMap(\.string).map { strdup($0) }
        environment.append(nil)
        linux_replace_environment(environment)
        return (json["arguments"]?.array ?? []).compactMap(\.string)
    }
}
