/// A daemon on a spool of its own, some of whose calls fail: for what it makes of files. Clocks stand still until they are told to go on.
import Glibc
import SpoolProtocol
import SpoolStorage

@testable import JobRunner

struct BareDaemon {
    let clocks: VirtualClocks
    let files: SpoolFiles
    let machine: FakeMachine
    let log: DaemonLog
    let daemon: Daemon

    func put(_ text: String, as file: SpoolFile, hint: Bool = true) throws {
        clocks.pass(0.001)
        try files.put(text, as: file, time: clocks.now())
        if hint { daemon.hint(.file(file.modelName)) }
    }

    func drop(_ name: JobName, _ more: String = "", hint: Bool = true) throws {
        try put(#"{"type": "plain"\#(more)}"#, as: .request(name), hint: hint)
    }

    func remove(_ file: SpoolFile) throws {
        try files.remove(file)
        daemon.hint(.file(file.modelName))
    }

    func rest() async throws {
        try await eventually("the daemon to rest; the log says \(log.lines)") {
            try await daemon.look()?.isIdle ?? false
        }
    }

    /// Time passes meanwhile.
    func reach(_ what: String, _ condition: () async throws -> Bool) async throws {
        try await eventually("\(what); the log says \(log.lines)") {
            clocks.pass(0.1)
            daemon.tick()
            return try await condition()
        }
    }
}

/// - Parameters:
///   - names: those whose files are looked at when an attempt starts.
///   - before: what is in the spool when the daemon comes.
///   - fault: the error (errno(3)) of a call on a file, by its path in the spool.
func withBareDaemon(
    names: [JobName] = [], before: (SpoolFiles) throws -> Void = { _ in },
    fault: @escaping @Sendable (SystemOperation, _ file: Substring) -> Int32? = { _, _ in nil },
    _ body: (BareDaemon) async throws -> Void
) async throws {
    signal(SIGIO, SIG_IGN)
    signal(SIGPIPE, SIG_IGN)
    let clocks = VirtualClocks()
    try await Clock.$replacement.withValue(clocks) {
        let files = try SpoolFiles(names: names)
        try before(files)
        let prefix = files.path + "/"
        let system = SystemCalls(fault: { operation, path in
            path.hasPrefix(prefix) ? fault(operation, path.dropFirst(prefix.count)) : nil
        })
        let machine = FakeMachine(files)
        let log = DaemonLog()
        let daemon = try Daemon(
            files.path, number: 1, machine: machine, faults: Faults(), maxLanes: 1, system: system, log: log)
        daemon.hint(.rescan(.start))
        try await body(BareDaemon(clocks: clocks, files: files, machine: machine, log: log, daemon: daemon))
        machine.closeAll()
        daemon.stop(.leave)
        try await daemon.leave()
    }
}
