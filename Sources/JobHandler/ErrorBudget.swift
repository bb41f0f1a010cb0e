/// How many items may fail before the job does: the common params `max_errors` and `max_error_percent`.
public import JSONText

public struct ErrorBudget: Sendable, Equatable {
    /// Failed items that are borne; one more fails the job. 0 bears none.
    public let maxErrors: Int
    /// Failed items that are borne in percent of all, 0 to 100; nil for no such limit.
    public let maxErrorPercent: Double?
    public private(set) var failed = 0

    public init(maxErrors: Int = 100, maxErrorPercent: Double? = nil) {
        self.maxErrors = maxErrors
        self.maxErrorPercent = maxErrorPercent
    }

    /// Reads `max_errors` (an integer from 0, default 100) and `max_error_percent` (0 to 100, default none).
    public init(params: inout JSONFields) throws(JSONFieldError) {
        self.init(
            maxErrors: try params.int("max_errors", in: 0 ... .max) ?? 100,
            maxErrorPercent: try params.double("max_error_percent", in: 0...100))
    }

    /// One more item failed.
    /// - Parameter total: items in all; nil while it is not known, which leaves the percentage for later.
    /// - Throws: `JobFailure` TOO_MANY_ERRORS when that is more than the budget bears.
    public mutating func spend(of total: Int?) throws(JobFailure) {
        failed += 1
        try check(total)
    }

    /// At the end, when the total is certain.
    /// - Throws: `JobFailure` TOO_MANY_ERRORS when the budget is overdrawn or every item failed.
    public func finish(total: Int) throws(JobFailure) {
        try check(total)
        if failed > 0, failed >= total { throw tooMany("every item failed (\(failed) of \(total))", total) }
    }

    private func check(_ total: Int?) throws(JobFailure) {
        if failed > maxErrors {
            throw tooMany("\(failed) items failed and `max_errors` is \(maxErrors)", total)
        }
        if let maxErrorPercent, let total, Double(failed) * 100 > maxErrorPercent * Double(total) {
            throw tooMany(
                "\(failed) of \(total) items failed and `max_error_percent` is \(JSON(maxErrorPercent).text)", total)
        }
    }

    private func tooMany(_ reason: String, _ total: Int?) -> JobFailure {
        JobFailure(
            "TOO_MANY_ERRORS", "\(reason): see the item errors for what went wrong",
            details: [
                "failed": JSON(failed), "total": JSON(total), "max_errors": JSON(maxErrors),
                "max_error_percent": JSON(maxErrorPercent),
            ])
    }
}
