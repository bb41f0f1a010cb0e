/// How many schedules a user may have.
import SpoolProtocol
import Testing

@testable import JobRunner

@Suite("Of a user's schedules")
struct ScheduleLimitTests {
    private func name(_ number: Int) throws -> JobName { try JobName("s\(1000 + number)") }

    @Test("the first count by name, in whatever order they come and go") func first() throws {
        var limit = ScheduleLimit()
        for number in (1...150).shuffled() { limit.put(try name(number), of: 1) }
        limit.put(try name(200), of: 2)
        for number in 1...150 { #expect(limit.counts(try name(number)) == (number <= 100)) }
        #expect(limit.counts(try name(200)))
        for number in 1...10 { limit.remove(try name(number)) }
        for number in 11...150 { #expect(limit.counts(try name(number)) == (number <= 110)) }
        // Another user's now.
        for number in 11...60 { limit.put(try name(number), of: 2) }
        for number in 11...150 { #expect(limit.counts(try name(number))) }
        // More than are kept in order.
        for number in (1000...3500).shuffled() { limit.put(try name(number), of: 3) }
        for number in 1000...3400 {
            limit.remove(try name(number))
            #expect(limit.counts(try name(min(3500, number + 100))))
            #expect(limit.counts(try name(number + 101)) == (number + 101 > 3500))
        }
        // Unheard of.
        #expect(limit.counts(try name(500)))
    }
}
