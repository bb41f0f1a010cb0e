/// A job as the reference model knows it: its request, and the attempts that the test itself has seen start, speak and end.
import JSONText
import SpoolProtocol

@testable import JobRunner

/// One state of a request file.
struct Version: Sendable {
    var asked: Asked
    var fingerprint: Fingerprint
    var notBefore: Timestamp?
    /// On the clock that nobody sets, in seconds.
    var putAt: Double
}

struct AttemptStory {
    let attempt: FakeAttempt
    let at: Timestamp
    let startingCheckpoint: JSON
    var lastCheckpoint: JSON
    var madeProgress = false
    var ending: Ending?
    /// The times of day from its end until the daemon was seen to know of it.
    var endedAt: ClosedRange<Timestamp>?
    var isConcluded = false
    /// How sure it is that the daemon asked it to stop before it knew of its end.
    var cancel = Certainty.no
    var shutdown = Certainty.no

    enum Certainty { case no, possible, certain }

    var askings: [Asking] {
        if cancel == .certain { return [.cancel] }
        let others: [Asking] =
            switch shutdown {
            case .no: [.notAsked]
            case .possible: [.notAsked, .shutdown]
            case .certain: [.shutdown]
            }
        return others + (cancel == .possible ? [.cancel] : [])
    }
}

struct ModelJob {
    let id: String
    let name: JobName
    let version: Version
    let sequence: Int64
    var attempts: [AttemptStory] = []
    /// What its handlers have said that belongs into its log, and into its errors.
    var logged: [String] = []
    var itemErrors: [String] = []
    /// Somebody wanted it cancelled at some time in its life.
    var mayBeCancelled = false
    /// When its request was first gone, on the clock that nobody sets.
    var goneSince: Double?
    /// Another version of its request has come.
    var isOutdated = false
    /// A daemon that returned may not have found out what its request asked for.
    var workIsForgotten = false
    /// As far as has been seen.
    var isOpen = true
    /// How it ended, when that has been seen.
    var over: Over?
    /// The jobs of its `after` that have been seen completed while it waited.
    var met: Set<JobName> = []
    /// The same of those that have completed and may have been run again before anybody looked.
    var mayBeMet: Set<JobName> = []

    // When everything was last looked at
    var wasLookedAt = false
    /// It was in its queue, or at work.
    var isAdmitted = false
    /// What it waited for.
    var waiting: Waiting?

    var wasOver: Bool { wasLookedAt && !isOpen }
    var wasMetNow: Bool { !wasLookedAt }

    var asked: Asked { version.asked }
    var isAlive: Bool { attempts.last.map { $0.ending == nil } ?? false }

    /// Where the attempts alone have brought it.
    struct Position {
        var isAtWork = false
        /// It may wait: what its attempts have used up, and whether a backoff has begun.
        var waits: Set<Wait> = []
        var overs: Set<Over> = []
    }

    struct Wait: Hashable {
        var spent: Spent
        var isRetry: Bool
    }

    /// - Throws: `Violation` when an attempt was made that must not have been.
    func position() throws(Violation) -> Position {
        let judge = Judge(type: asked.type, retry: asked.retry, itemsFailed: !itemErrors.isEmpty)
        var position = Position(waits: [Wait(spent: Spent(), isRetry: false)])
        for story in attempts {
            if position.waits.isEmpty {
                throw Violation(
                    "attempt \(story.attempt.number) of \(name) was made although the job was \(position.overs)")
            }
            guard let ending = story.ending else { return Position(isAtWork: true) }
            var next = Position()
            for (wait, asking) in Self.combinations(position.waits, story.askings) {
                switch judge.conclude(ending, asking, madeProgress: story.madeProgress, wait.spent) {
                case .over(let over): next.overs.insert(over)
                case .again(let spent, let isRetry): next.waits.insert(Wait(spent: spent, isRetry: isRetry))
                }
            }
            position = next
        }
        return position
    }

    private static func combinations(_ waits: Set<Wait>, _ askings: [Asking]) -> [(Wait, Asking)] {
        waits.flatMap { wait in askings.map { (wait, $0) } }
    }

    /// What its next attempt may be given as checkpoint.
    func checkpoints() throws(Violation) -> [JSON] {
        let last = attempts.last?.lastCheckpoint ?? .null
        return try position().waits.map { $0.spent.losesCheckpoint ? .null : last }
    }
}
