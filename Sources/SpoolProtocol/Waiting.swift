public import JSONText

/// What a pending job waits for beside its turn, as its status shows it (`waiting_for`). A job that waits for nothing but
/// its turn is in its lane's queue.
public enum Waiting: Sendable, Equatable {
    /// `not_before` has not come.
    case time(Timestamp)
    /// An attempt failed for a passing reason; this is when the next one may start.
    case retry(Timestamp)
    /// Jobs named in `after` that have not completed; those in `unknown` nobody has dropped yet.
    case jobs([JobName], unknown: [JobName])
    /// A job that does the same: its result becomes this one's.
    case join(JobReference)
}

extension Waiting {
    /// For people: the status's message.
    public var message: String {
        switch self {
        case .time(let time): return "Waiting until \(time) (`not_before`)"
        case .retry(let time): return "Waiting until \(time) to be tried again"
        case .jobs(let jobs, let unknown):
            let names = jobs.map(\.string).joined(separator: ", ")
            if unknown.isEmpty { return "Waiting for \(names) (`after`)" }
            let missing = unknown.map(\.string).joined(separator: ", ")
            return "Waiting for \(names) (`after`); nobody has dropped \(missing) yet"
        case .join(let job): return "Waiting for the result of \(job.name), which does the same (`on_busy`: join)"
        }
    }

    public var json: JSON {
        switch self {
        case .time(let time): Self.json("not_before", until: time)
        case .retry(let time): Self.json("retry", until: time)
        case .jobs(let jobs, let unknown): Self.json("after", jobs: jobs, unknown: unknown)
        case .join(let job): Self.json("join", jobs: [job.name], jobID: job.jobID)
        }
    }

    private static func json(
        _ reason: String, until: Timestamp? = nil, jobs: [JobName] = [], unknown: [JobName] = [], jobID: String? = nil
    ) -> JSON {
        [
            "reason": .string(reason), "until": JSON(until?.description),
            "jobs": .array(jobs.map { .string($0.string) }),
            "unknown": .array(unknown.map { .string($0.string) }), "job_id": JSON(jobID),
        ]
    }

    /// nil for null, and for what another version may have written.
    public init?(json: JSON?) {
        guard let json else { return nil }
        let until = json["until"]?.string.flatMap(Timestamp.init)
        switch (json["reason"]?.string, until) {
        case ("not_before", let until?): self = .time(until)
        case ("retry", let until?): self = .retry(until)
        case ("after", _): self = .jobs(Self.names(json["jobs"]), unknown: Self.names(json["unknown"]))
        case ("join", _):
            guard let name = Self.names(json["jobs"]).first, let jobID = json["job_id"]?.string else { return nil }
            self = .join(JobReference(name: name, jobID: jobID))
        default: return nil
        }
    }

    private static func names(_ json: JSON?) -> [JobName] {
        (json?.array ?? []).compactMap { text in
            do {
                return try text.string.map { try JobName($0) }
            } catch {
                return nil
            }
        }
    }
}
