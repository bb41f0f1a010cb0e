/// What happens to a spool in a scenario: what clients do with files, handlers with their outputs, the clock, and fate with the
/// daemon. Each operation can be left out of a scenario without making the others meaningless, so that scenarios can be shrunk.
public import SpoolProtocol

@testable import JobRunner

/// A sequence of operations and what it is played with.
struct Scenario: Sendable, Equatable {
    var maxLanes = 2
    var operations: [Operation] = []
}

enum Operation: Sendable, Equatable {
    // Clients. What has no hint is not told to the daemon, who finds it when it looks at the whole directory.
    case drop(JobName, Asked, hint: Bool)
    case touch(JobName, hint: Bool)
    case delete(JobName, hint: Bool)
    /// Puts the request that was deleted last back as it was, time and all.
    case restore(JobName, hint: Bool)
    case cancel(JobName, hint: Bool)
    case pause(hint: Bool)
    case resume(hint: Bool)

    // Handlers: the n-th of those that live, counted around.
    case say(Int, Saying)
    case end(Int, Ending)

    // Time, in seconds
    /// Both clocks go on.
    case pass(Double)
    /// Somebody sets the time of day.
    case setClock(by: Double)

    // Fate
    case rescan(WakeUp.Reason)
    /// The daemon dies with its n-th change on the disk from here on, and stays away for so many operations.
    case kill(after: Int, away: Int)
    /// The daemon is stopped; handlers that are asked to stop end like this.
    case stop(RunnerConfiguration.OnStop, Ending, away: Int)
}

/// What a request asks for.
struct Asked: Sendable, Equatable {
    var type = ModelType.plain
    var priority = 0
    var form = Form.whole
    /// What the parameters say; requests with the same ask for the same.
    var work = 0
    var maxAttempts: Int?
    /// `not_before`, in seconds from the time of the drop.
    var delay: Double?
    var after: [JobName] = []
    var onBusy: OnBusy?

    enum Form: Sendable, CaseIterable {
        case whole
        /// The file ends too early.
        case torn
        case unknownField
        case unknownType
    }

    var effectiveOnBusy: OnBusy { onBusy ?? .queue }

    var retry: RetryPolicy {
        maxAttempts.map { RetryPolicy(maxAttempts: $0, backoffSeconds: ModelType.backoff) } ?? type.retry
    }
}

/// The types of a scenario: each way of treating interruptions, three lanes, one with and some without retries.
enum ModelType: String, Sendable, CaseIterable {
    case plain, again, fragile, other

    static let backoff: Double = 10

    var lane: String {
        switch self {
        case .plain, .again: Definition.defaultLane
        case .fragile: "fragile"
        case .other: "other"
        }
    }

    var onInterrupted: OnInterrupted {
        switch self {
        case .plain, .other: .resume
        case .again: .restart
        case .fragile: .fail
        }
    }

    var retry: RetryPolicy {
        switch self {
        case .plain, .fragile: .never
        case .again, .other: RetryPolicy(maxAttempts: 3, backoffSeconds: Self.backoff)
        }
    }
}

/// What a handler says.
enum Saying: Sendable, Equatable, CaseIterable {
    case log, itemError, checkpoint, sameCheckpoint
}

/// How an attempt ends.
enum Ending: Sendable, Hashable {
    case exit(Int)
    /// With a failure that the handler says may be tried again.
    case retryable
    case signal(Int)
    /// Nobody writes down how: the machine or the supervisor died.
    case vanish
}

// MARK: - As source text

/// A failing scenario can be pasted into a test.
extension Scenario: CustomStringConvertible {
    var description: String {
        "Scenario(maxLanes: \(maxLanes), operations: [\n"
            + operations.map { "    \($0),\n" }.joined() + "])"
    }
}

extension Operation: CustomStringConvertible {
    var description: String {
        switch self {
        case .drop(let name, let asked, let hint): ".drop(\"\(name)\", \(asked), hint: \(hint))"
        case .touch(let name, let hint): ".touch(\"\(name)\", hint: \(hint))"
        case .delete(let name, let hint): ".delete(\"\(name)\", hint: \(hint))"
        case .restore(let name, let hint): ".restore(\"\(name)\", hint: \(hint))"
        case .cancel(let name, let hint): ".cancel(\"\(name)\", hint: \(hint))"
        case .pause(let hint): ".pause(hint: \(hint))"
        case .resume(let hint): ".resume(hint: \(hint))"
        case .say(let number, let saying): ".say(\(number), .\(saying))"
        case .end(let number, let ending): ".end(\(number), \(ending))"
        case .pass(let seconds): ".pass(\(seconds))"
        case .setClock(let seconds): ".setClock(by: \(seconds))"
        case .rescan(let reason): ".rescan(.\(reason))"
        case .kill(let changes, let away): ".kill(after: \(changes), away: \(away))"
        case .stop(let how, let ending, let away): ".stop(.\(how), \(ending), away: \(away))"
        }
    }
}

extension Ending: CustomStringConvertible {
    var description: String {
        switch self {
        case .exit(let status): ".exit(\(status))"
        case .retryable: ".retryable"
        case .signal(let number): ".signal(\(number))"
        case .vanish: ".vanish"
        }
    }
}

extension Asked: CustomStringConvertible {
    var description: String {
        var parts = [type == .plain ? nil : "type: .\(type)"]
        parts.append(priority == 0 ? nil : "priority: \(priority)")
        parts.append(form == .whole ? nil : "form: .\(form)")
        parts.append(work == 0 ? nil : "work: \(work)")
        parts.append(maxAttempts.map { "maxAttempts: \($0)" })
        parts.append(delay.map { "delay: \($0)" })
        parts.append(after.isEmpty ? nil : "after: \(after.map(\.string))")
        parts.append(onBusy.map { "onBusy: .\($0)" })
        return "Asked(\(parts.compactMap(\.self).joined(separator: ", ")))"
    }
}

extension JobName: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) {
        do {
            try self.init(text)
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
