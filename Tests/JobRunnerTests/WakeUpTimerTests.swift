/// The runner looks again when a time has come, and has no more sleeps under way for that than it needs.
import Testing

@testable import JobRunner

@Suite("The runner's timer")
struct WakeUpTimerTests {
    @Test("has few sleeps under way, however often a late and an early time are asked for with every look")
    func fewSleeps() {
        var timer = WakeUpTimer()
        var sleeps: [Double] = []
        var now = 0.0
        var most = 0
        for look in 0..<1000 {
            timer.look()
            timer.wake(at: now + 60)
            timer.wake(at: now + 0.2)
            if look % 3 == 0 { timer.wake(at: now + 0.1) }
            if let time = timer.begin() { sleeps.append(time) }
            #expect(sleeps.contains { $0 <= now + 0.2 })
            most = max(most, sleeps.count)
            guard let next = sleeps.min() else { break }
            sleeps.removeAll { $0 == next }
            timer.hasSlept(until: next)
            now = next
        }
        #expect(now > 100)
        #expect(most <= 3)
    }

    @Test("begins a sleep for an earlier time, and none for a later one")
    func order() {
        var timer = WakeUpTimer()
        #expect(timer.begin() == nil)
        timer.wake(at: 10)
        #expect(timer.begin() == 10)
        #expect(timer.begin() == nil)
        timer.wake(at: 20)
        #expect(timer.begin() == nil)
        timer.wake(at: 5)
        #expect(timer.begin() == 5)
        timer.hasSlept(until: 5)
        timer.look()
        timer.wake(at: 20)
        #expect(timer.begin() == nil)
        timer.hasSlept(until: 10)
        timer.look()
        timer.wake(at: 20)
        #expect(timer.begin() == 20)
    }
}
