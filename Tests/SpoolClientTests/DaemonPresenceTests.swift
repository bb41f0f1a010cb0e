import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

@testable import SpoolClient

@Suite("Whether a daemon is there")
struct DaemonPresenceTests {
    private static let started = Timestamp(milliseconds: 1_767_792_792_000)

    private static func daemon(pid: Int = Int(getpid()), host: String = "here") -> DaemonIdentity {
        DaemonIdentity(pid: pid, host: host, user: "jobs", startedAt: started, version: "1")
    }

    private static func status(_ daemon: DaemonIdentity, _ state: String) -> SpoolOverview {
        var identity = daemon.json.object!
        identity["state"] = .string(state)
        return SpoolOverview(["v": 1, "updated_at": .string(started.description), "daemon": .object(identity)])
    }

    struct Case: Sendable {
        let lock: LockProbe
        let status: (daemon: DaemonIdentity, state: String)?
        let presence: DaemonPresence
    }

    @Test(
        "is told by the lock, and where that is hidden by what the daemon last said",
        arguments: [
            Case(lock: .held(daemon()), status: nil, presence: .running(daemon())),
            Case(lock: .held(nil), status: (daemon(), "running"), presence: .running(daemon())),
            Case(lock: .free, status: nil, presence: .stopped(last: nil)),
            Case(lock: .free, status: (daemon(), "running"), presence: .stopped(last: daemon())),
            Case(lock: .hidden, status: nil, presence: .unknown(last: nil, updatedAt: nil)),
            Case(lock: .hidden, status: (daemon(), "stopped"), presence: .stopped(last: daemon())),
            Case(lock: .hidden, status: (daemon(), "running"), presence: .running(daemon())),
            Case(
                lock: .hidden, status: (daemon(host: "there"), "running"),
                presence: .unknown(last: daemon(host: "there"), updatedAt: started)),
            Case(
                lock: .hidden, status: (daemon(pid: 0x7FFF_FFF0), "running"),
                presence: .unknown(last: daemon(pid: 0x7FFF_FFF0), updatedAt: started)),
        ])
    func table(row: Case) {
        let status = row.status.map { Self.status($0.daemon, $0.state) }
        #expect(DaemonPresence(lock: row.lock, status: status, host: "here") == row.presence)
    }

    @Test("does not keep a daemon from starting, however often somebody asks") func asking() async throws {
        let spool = try TestSpool()
        _ = try Spool.open(spool.path)
        let client = spool.client
        let asking = Task {
            while !Task.isCancelled {
                _ = try client.daemon()
                await Task.yield()
            }
        }
        for _ in 0..<50 {
            let lock = try SpoolLock(try Spool.open(spool.path), as: Self.daemon())
            #expect(try client.daemon() == .running(Self.daemon()))
            _ = consume lock
            // A process that another test has just forked holds it, too, until it becomes its program.
            let deadline = Clock.monotonic() + 20
            while try client.daemon() != .stopped(last: nil), Clock.monotonic() < deadline { await Task.yield() }
            #expect(Clock.monotonic() < deadline)
        }
        asking.cancel()
        try await asking.value
    }
}
