import JSONText

/// What becomes of a job when all that it named in `not_before` and `after` is there: `on_busy` decides, once, against the jobs that
/// were accepted before it. Jobs that wait for a time or for others are not in the queue yet and keep nobody out.
public enum Admission: Sendable, Equatable {
    /// Into the lane's queue.
    case queue
    /// It waits for another job's result.
    case join(JobReference)
    /// `BUSY`: it ends without having run.
    case reject(JobError)
    /// These are cancelled, then it queues.
    case replace([JobReference])
}

/// What there is in a lane for `on_busy` to decide by. Only what the policy asks for need be found out.
public struct LaneFacts: Sendable, Equatable {
    /// What runs in the lane or, when nothing does, is next in its queue (for `reject`).
    public var holder: JobReference?
    /// The first job, running or queued, with the same type, params and dry_run (for `join`).
    public var equal: JobReference?
    /// The jobs of the same type that are not over (for `replace`).
    public var sameType: [JobReference]

    public init(holder: JobReference? = nil, equal: JobReference? = nil, sameType: [JobReference] = []) {
        self.holder = holder
        self.equal = equal
        self.sameType = sameType
    }
}

extension OnBusy {
    public func admission(_ lane: LaneFacts) -> Admission {
        switch self {
        case .queue: .queue
        case .reject: lane.holder.map { .reject(Self.busy($0)) } ?? .queue
        case .join: lane.equal.map { .join($0) } ?? .queue
        case .replace: lane.sameType.isEmpty ? .queue : .replace(lane.sameType)
        }
    }

    private static func busy(_ holder: JobReference) -> JobError {
        let state = holder.startedAt.map { "runs since \($0)" } ?? "is queued before it"
        return JobError(
            .busy, "another job is at work: \(holder.name) \(state) (`on_busy`: reject)",
            details: holder.json.object ?? [:])
    }
}
