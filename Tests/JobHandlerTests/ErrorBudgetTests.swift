import JSONText
import Testing

@testable import JobHandler

@Suite struct ErrorBudgetTests {
    @Test(arguments: [
        // max_errors, max_error_percent, failed, total, whether the job fails
        (100, nil, 100, 1000, false), (100, nil, 101, 1000, true), (0, nil, 0, 10, false), (0, nil, 1, 10, true),
        (100, 10, 1, 10, false), (100, 10, 2, 10, true), (100, 0, 1, 1000, true), (100, nil, 3, 3, true),
        (100, 100, 3, 3, true), (100, nil, 2, 3, false), (100, nil, 0, 0, false),
    ])
    func theJobFailsWhenTheBudgetIsOverdrawn(
        maxErrors: Int, percent: Double?, failed: Int, total: Int, fails: Bool
    ) throws {
        var budget = ErrorBudget(maxErrors: maxErrors, maxErrorPercent: percent)
        var failure: JobFailure?
        do {
            for _ in 0..<failed { try budget.spend(of: nil) }
            try budget.finish(total: total)
        } catch {
            failure = error
        }
        #expect((failure != nil) == fails)
        #expect(failure.map { $0.code } ?? "TOO_MANY_ERRORS" == "TOO_MANY_ERRORS")
    }

    @Test func aPercentageIsExceededAsSoonAsTheTotalIsKnown() throws {
        var budget = ErrorBudget(maxErrorPercent: 10)
        try budget.spend(of: 10)
        #expect(throws: JobFailure.self) { try budget.spend(of: 10) }
    }

    @Test func theParamsAreReadWithTheirDefaultsAndRanges() throws {
        var none = JSONFields([:])
        #expect(try ErrorBudget(params: &none) == ErrorBudget(maxErrors: 100, maxErrorPercent: nil))
        var both = JSONFields(["max_errors": 5, "max_error_percent": 2.5])
        #expect(try ErrorBudget(params: &both) == ErrorBudget(maxErrors: 5, maxErrorPercent: 2.5))
        for wrong: JSONObject in [["max_errors": -1], ["max_error_percent": 101], ["max_errors": "5"]] {
            var fields = JSONFields(wrong)
            #expect(throws: JSONFieldError.self) { try ErrorBudget(params: &fields) }
        }
    }
}
