import Testing

@testable import JobHandler

@Suite struct PatienceTests {
    @Test func itEndsAfterItsTime() {
        let patience = Patience(seconds: 0.05) { false }
        let start = ContinuousClock.now
        var tries = 0
        while patience.waits(after: tries) { tries += 1 }
        #expect(tries == 6)
        #expect(start.duration(to: .now) >= .milliseconds(50))
        #expect(Patience(seconds: 30) { false }.waits(after: 305))
        #expect(!Patience(seconds: 30) { false }.waits(after: 306))
    }

    @Test func itEndsAtOnceWhenTheJobIsToStop() {
        #expect(!Patience(seconds: 30) { true }.waits(after: 0))
    }
}
