/// What the end of an attempt means, by DESIGN's rules and in the test's own words.
import SpoolProtocol

@testable import JobRunner

/// How a job is over.
struct Over: Hashable, Sendable, CustomStringConvertible {
    var standing: Standing
    var outcome: Outcome?
    var code: String?

    var description: String {
        "\(standing.rawValue)\(outcome.map { ", \($0.rawValue)" } ?? "")\(code.map { ", \($0)" } ?? "")"
    }

    static let cancelled = Over(standing: .cancelled)

    static func failed(_ code: JobError.Code) -> Over { Over(standing: .failed, code: code.rawValue) }
    static func rejected(_ code: JobError.Code) -> Over { Over(standing: .rejected, code: code.rawValue) }

    init(standing: Standing, outcome: Outcome? = nil, code: String? = nil) {
        self.standing = standing
        self.outcome = outcome
        self.code = code
    }

    init(_ result: JobResult) {
        self.init(standing: result.status.standing, outcome: result.status.outcome, code: result.status.error?.code)
    }
}

/// What a job's earlier attempts have used up.
struct Spent: Hashable {
    var failures = 0
    /// In a row, without a new checkpoint.
    var interruptions = 0
    var losesCheckpoint = false
}

/// What an attempt's end leads to.
enum Conclusion: Hashable {
    case over(Over)
    case again(Spent, isRetry: Bool)
}

/// Why an attempt may have been asked to stop.
enum Asking: Hashable {
    case notAsked, cancel, shutdown
}

struct Judge {
    var type: ModelType
    var retry: RetryPolicy
    var itemsFailed: Bool

    func conclude(_ ending: Ending, _ asking: Asking, madeProgress: Bool, _ spent: Spent) -> Conclusion {
        switch (asking, ending) {
        case (.cancel, _): .over(.cancelled)
        case (_, .exit(0)): .over(Over(standing: .completed, outcome: itemsFailed ? .partial : .success))
        case (.shutdown, _): .again(Spent(failures: spent.failures, interruptions: spent.interruptions), isRetry: false)
        case (.notAsked, .vanish), (.notAsked, .signal(15)): interrupted(madeProgress, spent)
        case (.notAsked, .exit(75)): passing(JobError.Code.handlerFailed.rawValue, spent)
        case (.notAsked, .retryable): passing("PASSING", spent)
        case (.notAsked, .exit(64)): .over(.failed(.invalidParams))
        case (.notAsked, .exit), (.notAsked, .signal): .over(.failed(.handlerFailed))
        }
    }

    private func passing(_ code: String, _ spent: Spent) -> Conclusion {
        let failures = spent.failures + 1
        return failures < retry.maxAttempts
            ? .again(Spent(failures: failures), isRetry: true) : .over(Over(standing: .failed, code: code))
    }

    private func interrupted(_ madeProgress: Bool, _ spent: Spent) -> Conclusion {
        switch type.onInterrupted {
        case .fail: return .over(.failed(.interrupted))
        case .resume, .restart:
            let keeps = type.onInterrupted == .resume
            let interruptions = madeProgress && keeps ? 0 : spent.interruptions + 1
            if interruptions == 3 { return .over(.failed(.crashLoop)) }
            return .again(
                Spent(failures: spent.failures, interruptions: interruptions, losesCheckpoint: !keeps), isRetry: false)
        }
    }
}
