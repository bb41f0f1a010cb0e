/// Cron expressions: what they say and what is wrong with them. When they run is `CronSlotsTests`.
import Testing

@testable import SpoolProtocol

@Suite("A cron expression")
struct CronExpressionTests {
    /// The slots of a span in UTC, without the years.
    private func slots(_ text: String, from: String, to: String) throws -> [String] {
        let slots = CronSlots(try CronExpression(text), in: .utc)
        var found: [String] = []
        var at = Samples.time(from).wholeSeconds - 1
        while let next = slots.next(after: at), next < Samples.time(to).wholeSeconds {
            found.append(String(Timestamp(wholeSeconds: next).description.dropFirst(5).prefix(11)))
            at = next
        }
        return found
    }

    @Test(
        "runs at the minutes and hours that it names",
        arguments: [
            ("30 2 * * *", ["01-07T02:30", "01-08T02:30"]),
            ("0,30 2 * * *", ["01-07T02:00", "01-07T02:30", "01-08T02:00", "01-08T02:30"]),
            ("58-59 23 * * *", ["01-07T23:58", "01-07T23:59", "01-08T23:58", "01-08T23:59"]),
            ("10-30/10 5 7 * *", ["01-07T05:10", "01-07T05:20", "01-07T05:30"]),
            (
                "0 */9 * * *",
                ["01-07T00:00", "01-07T09:00", "01-07T18:00", "01-08T00:00", "01-08T09:00", "01-08T18:00"]
            ),
            ("5,*/40 12 7 * *", ["01-07T12:00", "01-07T12:05", "01-07T12:40"]),
            ("007 02 8 1 *", ["01-08T02:07"]), ("  0\t0  * * *  ", ["01-07T00:00", "01-08T00:00"]),
            ("@daily", ["01-07T00:00", "01-08T00:00"]), ("@midnight", ["01-07T00:00", "01-08T00:00"]),
            ("0 0 * JAN wed", ["01-07T00:00"]), ("0 0 * feb *", []),
        ] as [(String, [String])])
    func times(_ text: String, _ expected: [String]) throws {
        #expect(try slots(text, from: "2026-01-07T00:00:00Z", to: "2026-01-09T00:00:00Z") == expected)
    }

    // January 2026 begins on a Thursday.
    @Test(
        "runs on the days that it names: on those of either field when neither begins with a star, else of both",
        arguments: [
            ("0 0 * * *", Array(1...31)), ("0 0 7 * *", [7]), ("0 0 * * 3", [7, 14, 21, 28]),
            ("0 0 1,15 * 5", [1, 2, 9, 15, 16, 23, 30]), ("0 0 13 * fri", [2, 9, 13, 16, 23, 30]),
            ("0 0 */10 * 3", [21]), ("0 0 13 * */2", [13]), ("0 0 1-31 * 0", Array(1...31)),
            ("0 0 * * 0", [4, 11, 18, 25]), ("0 0 * * 7", [4, 11, 18, 25]),
            ("0 0 * * 6-7", [3, 4, 10, 11, 17, 18, 24, 25, 31]),
            ("0 0 * * FRI-SUN", [2, 3, 4, 9, 10, 11, 16, 17, 18, 23, 24, 25, 30, 31]),
            ("0 0 * * sun-mon", [4, 5, 11, 12, 18, 19, 25, 26]), ("0 0 * * Mon,wed", [5, 7, 12, 14, 19, 21, 26, 28]),
            ("0 0 29-31/2 jan-mar/2 *", [29, 31]), ("@weekly", [4, 11, 18, 25]), ("@monthly", [1]), ("@yearly", [1]),
            ("@annually", [1]), ("0 0 30 2 mon", []),
        ] as [(String, [Int])])
    func days(_ text: String, _ expected: [Int]) throws {
        let found = try slots(text, from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z")
        #expect(found.map { Int($0.dropFirst(3).prefix(2)) } == expected)
    }

    @Test(
        "finds dates however far they are",
        arguments: [
            ("0 0 29 2 *", "2026-01-01", "2028-02-29"), ("0 0 29 2 *", "2096-03-01", "2104-02-29"),
            ("0 0 31 12 *", "2026-01-01", "2026-12-31"), ("0 0 29 2 */7", "2088-03-01", "2128-02-29"),
            ("0 0 29 2 */7", "2026-01-01", "2032-02-29"), ("0 0 30 2 1", "2026-01-01", "2026-02-02"),
        ])
    func farDates(_ text: String, _ from: String, _ expected: String) throws {
        let slots = CronSlots(try CronExpression(text), in: .utc)
        let next = try #require(slots.next(after: Samples.time("\(from)T00:00:00Z").wholeSeconds))
        #expect(Timestamp(wholeSeconds: next) == Samples.time("\(expected)T00:00:00Z"))
    }

    @Test(
        "is at particular times when neither minute nor hour begins with a star",
        arguments: [
            ("0 2 * * *", true), ("@daily", true), ("0-59 0-23 * * *", true), ("5,*/20 2 * * *", true),
            ("* 2 * * *", false), ("*/30 2 * * *", false), ("0 * * * *", false), ("@hourly", false),
            ("0 */2 * * *", false),
        ])
    func fixed(_ text: String, _ isFixed: Bool) throws { #expect(try CronExpression(text).isFixed == isFixed) }

    @Test(
        "that is none says which field is wrong, and the remedy",
        arguments: [
            ("", "has 0 fields: write five"), ("* * * *", "has 4 fields"), ("0 30 2 * * *", "has 6 fields"),
            ("60 * * * *", "the minute `60` must consist of numbers from 0 to 59"),
            ("0 24 * * *", "the hour `24` must consist of numbers from 0 to 23"),
            ("0 0 0 * *", "the day of month `0` must consist of numbers from 1 to 31"),
            ("0 0 1 13 *", "from 1 to 12, or a name from JAN to DEC"),
            ("0 0 * * 8", "the day of week `8` must consist of numbers from 0 to 7, or a name from SUN to SAT"),
            ("0 0 * january *", "the month `january`"), ("0 0 * * dim", "the day of week `dim`"),
            ("5/10 * * * *", "has a step without a range: write `5-59/10`"),
            ("*/0 * * * *", "a step from 1 to 59"), ("*/60 * * * *", "a step from 1 to 59"), ("*/x * * * *", "a step"),
            ("*/ * * * *", "a step from 1 to 59"), ("0 */24 * * *", "a step from 1 to 23"),
            ("5-1 * * * *", "runs backwards: write it as two"), ("0 0 * * sat-fri", "runs backwards"),
            ("1,,2 * * * *", "has an empty element"), ("1, * * * *", "has an empty element"),
            ("-5 * * * *", "must consist of numbers"), ("+5 * * * *", "must consist of numbers"),
            ("1-2-3 * * * *", "numbers"),
            ("*-5 * * * *", "must consist of numbers"), ("٣ * * * *", "must consist of numbers"),
            ("0 0 30 2 *", "never comes: no month `2` has a day `30`"), ("0 0 31 4,6,9,11 *", "never comes"),
            ("0 0 30-31 feb */2", "never comes"), ("@reboot", "nickname \"@reboot\""),
            ("@dayly", "did you mean @daily?"),
            ("99999999999999999999 * * * *", "must consist of numbers"),
        ])
    func wrong(_ text: String, _ says: String) {
        let problem = #expect(throws: CronExpression.Problem.self) { try CronExpression(text) }
        #expect(problem?.description.contains(says) ?? false, "\(problem?.description ?? "")")
    }
}
