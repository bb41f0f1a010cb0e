import JSONText

/// How a job stands that another one names in `after`.
public enum DependencyState: Sendable, Equatable {
    /// No file says anything about it: it may still come.
    case unknown
    /// Dropped, pending or running.
    case underWay
    case completed
    /// Over in another way.
    case ended(Standing)
}

/// What follows for a job from the states of the jobs that it names in `after`.
public enum DependencyVerdict: Sendable, Equatable {
    case met
    case waiting([JobName], unknown: [JobName])
    /// `DEPENDENCY_FAILED`, which names those that did not complete.
    case failed(JobError)

    /// - Parameter states: in the order of the request.
    public init(_ states: [(name: JobName, state: DependencyState)]) {
        var waiting: [JobName] = []
        var unknown: [JobName] = []
        var failed: [(JobName, Standing)] = []
        for (name, state) in states {
            switch state {
            case .completed: break
            case .underWay: waiting.append(name)
            case .unknown:
                waiting.append(name)
                unknown.append(name)
            case .ended(let standing): failed.append((name, standing))
            }
        }
        // One that has failed is told at once, whatever the others do.
        if !failed.isEmpty {
            self = .failed(Self.error(failed))
        } else {
            self = waiting.isEmpty ? .met : .waiting(waiting, unknown: unknown)
        }
    }

    private static func error(_ failed: [(JobName, Standing)]) -> JobError {
        let list = failed.map { "\($0) ended \($1.rawValue)" }.joined(separator: ", ")
        return JobError(
            .dependencyFailed, "`after`: \(list): run that again until it completes, then touch this request",
            details: [
                "jobs": .array(failed.map { ["name": .string($0.string), "status": .string($1.rawValue)] })
            ])
    }
}

/// Finds out whether a job would wait for itself.
public enum DependencyCircle {
    /// The names from `name` back to it, or nil.
    /// - Parameter after: what a job that waits names in its `after`; empty for any other.
    public static func find(from name: JobName, after: (JobName) -> [JobName]) -> [JobName]? {
        var reachedFrom: [JobName: JobName] = [:]
        var open = [name]
        while let next = open.popLast() {
            for needed in after(next) {
                if needed == name {
                    var path = [name, next]
                    while let last = path.last, last != name, let before = reachedFrom[last] { path.append(before) }
                    return path.reversed()
                }
                if reachedFrom[needed] == nil {
                    reachedFrom[needed] = next
                    open.append(needed)
                }
            }
        }
        return nil
    }

    public static func error(_ circle: [JobName]) -> JobError {
        JobError(
            .dependencyFailed,
            "`after`: these jobs would wait for each other for ever: \(circle.map(\.string).joined(separator: " → "))",
            details: ["circle": .array(circle.map { .string($0.string) })])
    }
}
