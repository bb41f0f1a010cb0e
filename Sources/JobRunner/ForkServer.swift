/// Where supervisors come from: a process that has been started once, and forks for each attempt what would otherwise
/// have to be loaded and linked anew. It is this very program, has one thread and nothing open but its socket, and ends with the
/// daemon. An attempt that has been forked does not notice that.
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

    /// Forks until the daemon is gone; returns in the forked children, with the arguments of a supervisor.
    static func serve() -> [String]? {
        // The children are nobody's to wait for.
        signal(SIGCHLD, SIG_IGN)
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] { Glibc.signal(signal, SIG_IGN) }
        var bytes = [UInt8](repeating: 0, count: maximumBytes + 1)
        var descriptors = [Int32](repeating: -1, count: descriptorCount)
        while true {
            let count = linux_receive_descriptors(
                AttemptFile.controlDescriptor, &bytes, bytes.count, &descriptors, Int32(descriptorCount))
            if count == 0 { return nil }
            if count < 0 {
                if errno == EINTR { continue }
                return nil
            }
            if linux_fork() == 0 { return settle(Array(bytes[..<count]), descriptors) }
            for descriptor in descriptors { close(descriptor) }
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
