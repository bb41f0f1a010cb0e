/// `spool.status.json` as a client reads it: the spool now.
public import JSONText
public import SpoolProtocol
import SpoolStorage

public struct SpoolOverview: Sendable {
    /// The document as the daemon wrote it.
    public let json: JSON
    public let updatedAt: Timestamp?
    public let daemon: DaemonIdentity?
    /// "running", "stopping" or "stopped".
    public let daemonState: String
    /// How the daemon learns of new requests, and why that way: "inotify", "polling".
    public let intake: (mode: String, reason: String)
    public let lanes: [Lane]
    public let pending: Int
    public let running: Int
    /// Users who have as many pending jobs as they may, and more requests in the spool.
    public let heldBack: [HeldBack]
    /// What `TypeSummary` writes, by type.
    public let types: JSONObject
    /// Somebody has paused the spool. Where the disk is full, too, only `shortage` tells.
    let isPaused: Bool
    /// Why no job starts, when that is for want of room on the disk, and since when.
    public let shortage: Pause?

    public struct HeldBack: Sendable, Equatable {
        public let user: String
        public let pending: Int
        public let limit: Int
        /// How many requests are held back; when `isMore`, at the least.
        public let requests: Int
        public let isMore: Bool
    }

    public struct Lane: Sendable, Equatable {
        public let name: String
        /// The name of the job that runs.
        public let running: String?
        public let queued: Int
        /// How many wait for something else than their turn.
        public let waiting: Int
    }

    init(_ json: JSON) {
        self.json = json
        updatedAt = json["updated_at"]?.string.flatMap(Timestamp.init)
        daemon = DaemonIdentity(json: json["daemon"])
        daemonState = json["daemon"]?["state"]?.string ?? ""
        intake = (json["intake"]?["mode"]?.string ?? "", json["intake"]?["reason"]?.string ?? "")
        lanes = (json["lanes"]?.object?.members ?? []).map { name, lane in
            Lane(
                name: name, running: lane["running"]?.string, queued: lane["queued"]?.int ?? 0,
                waiting: lane["waiting"]?.int ?? 0)
        }
        pending = json["pending"]?.int ?? 0
        running = json["running"]?.int ?? 0
        heldBack = (json["held_back"]?.array ?? []).compactMap { held in
            held["user"]?.string.map {
                HeldBack(
                    user: $0, pending: held["pending"]?.int ?? 0, limit: held["limit"]?.int ?? 0,
                    requests: held["held_back"]?.int ?? 0, isMore: held["more"]?.bool ?? false)
            }
        }
        types = json["types"]?.object ?? [:]
        isPaused = json["disk_full"]?.bool != true && Pause(json: json["paused"]) != nil
        shortage = json["disk_full"]?.bool == true ? Pause(json: json["paused"]) : nil
    }
}

extension SpoolDirectory {
    /// What the daemon last said of the spool; nil when none has served it.
    /// - Throws: `SpoolClientError`: `damaged`, `notPermitted`, `system`.
    public func spoolStatus() throws(SpoolClientError) -> SpoolOverview? {
        try storage { () throws(SpoolError) in try JobFiles(root) }.read(.spoolStatus).map(SpoolOverview.init)
    }

    /// Whether a daemon serves the spool.
    /// - Throws: `SpoolClientError`: `damaged`, `notPermitted`, `system`.
    public func daemon() throws(SpoolClientError) -> DaemonPresence {
        let lock = try storage { () throws(SpoolError) in try LockProbe(root) }
        return DaemonPresence(lock: lock, status: try spoolStatus(), host: DaemonPresence.hostName())
    }
}
