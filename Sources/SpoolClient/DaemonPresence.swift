/// Whether somebody serves the spool, as far as it can be told from here.
import Glibc
public import SpoolProtocol
import SpoolStorage

public enum DaemonPresence: Sendable, Equatable {
    /// A daemon holds the lock, or runs on this host.
    case running(DaemonIdentity?)
    /// None holds the lock, or the last one said that it stopped; nil: none ever served the spool.
    case stopped(last: DaemonIdentity?)
    /// The last that was heard of it, when from here it cannot be told: another user's lock, another host.
    case unknown(last: DaemonIdentity?, updatedAt: Timestamp?)
}

extension DaemonPresence {
    init(lock: LockProbe, status: SpoolOverview?, host: String) {
        switch lock {
        case .held(let holder): self = .running(holder ?? status?.daemon)
        case .free: self = .stopped(last: status?.daemon)
        case .hidden:
            guard let status, let daemon = status.daemon else {
                self = .unknown(last: nil, updatedAt: nil)
                return
            }
            // A process of that number on this host is the daemon: a number is not used again soon, and a stopped
            // daemon says that it stopped. None of that number proves nothing: it may be in another container.
            let isThere = daemon.host == host && (kill(pid_t(truncatingIfNeeded: daemon.pid), 0) == 0 || errno == EPERM)
            self =
                if status.daemonState == "stopped" {
                    .stopped(last: daemon)
                } else if isThere {
                    .running(daemon)
                } else {
                    .unknown(last: daemon, updatedAt: status.updatedAt)
                }
        }
    }

    /// For people: "running (process 4711 of jobs on build7, since 2026-01-07T13:33:12.000Z)".
    public var summary: String {
        switch self {
        case .running(let daemon): "running" + (daemon.map { " (\(Self.shown($0)))" } ?? "")
        case .stopped(last: nil): "not running"
        case .stopped(let last?): "not running (the last was \(Self.shown(last)))"
        case .unknown(last: nil, _): "cannot be told from here"
        case .unknown(let last?, let updatedAt):
            "cannot be told from here (last heard\(updatedAt.map { " at \($0)" } ?? "") of \(Self.shown(last)))"
        }
    }

    /// "running", "stopped" or "unknown".
    public var word: String {
        switch self {
        case .running: "running"
        case .stopped: "stopped"
        case .unknown: "unknown"
        }
    }

    private static func shown(_ daemon: DaemonIdentity) -> String {
        "process \(daemon.pid) of \(daemon.user) on \(daemon.host), started \(daemon.startedAt)"
    }

    /// What to type to have a spool served as by the last daemon: without its types, waiting jobs of those would fail.
    static func serveCommand(_ path: String, as last: DaemonIdentity?) -> String {
        let types = last?.typesDirectory.map { " --types \(shellQuoted(path: $0))" } ?? ""
        return "jobspool serve \(shellQuoted(path: path))\(types)"
    }

    static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
