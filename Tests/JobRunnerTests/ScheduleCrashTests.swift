/// What becomes of due slots when the daemon dies at any change on the disk: every slot has at most one job, none that is due
/// is without, and the job is the schedule's.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

@testable import JobRunner

@Suite("A schedule")
struct ScheduleCrashTests {
    private static let name: JobName = "s"

    /// A spool with a clock that stands still; no job ever starts.
    private final class World {
        let clocks = VirtualClocks()
        let files: SpoolFiles
        let machine: FakeMachine
        private var daemons = 0

        init() throws {
            files = try SpoolFiles()
            machine = FakeMachine(files)
        }

        /// One life of a daemon: it looks at everything, and when nothing is left to be done, or earlier, it dies.
        /// - Returns: whether it died before.
        func live(dyingAfter changes: Int? = nil, then more: ((Daemon) async throws -> Void)? = nil) async throws
            -> Bool
        {
            daemons += 1
            let faults = Faults()
            if let changes { faults.die(after: changes) }
            let daemon: Daemon
            do {
                daemon = try Daemon(files.path, number: daemons, machine: machine, faults: faults, maxLanes: 0)
            } catch {
                if faults.isDead { return true }
                throw error
            }
            daemon.hint(.rescan(.start))
            try await untilIdle(daemon)
            if let more { try await more(daemon) }
            let died = faults.isDead
            faults.die()
            try await daemon.leave()
            #expect(faults.notes.isEmpty)
            return died
        }

        func untilIdle(_ daemon: Daemon) async throws {
            try await eventually("the daemon to be idle") { true }
            while let look = try await daemon.look(), !look.isIdle {}
        }

        func schedule(_ text: String) throws {
            try files.put(text, as: .schedule(ScheduleCrashTests.name), time: clocks.now())
        }

        func status() throws -> ScheduleStatus? {
            try files.json(.scheduleStatus(ScheduleCrashTests.name)).flatMap(ScheduleStatus.init(json:))
        }

        /// The slots that have a request.
        func slots() throws -> [String] {
            try files.root.entries().compactMap { entry -> String? in
                guard case .request(let job) = SpoolFile(entry) else { return nil }
                return String(job.string.dropFirst(2))
            }.sorted()
        }

        func jobs() throws -> [JobStatus] {
            try files.root.entries().compactMap { entry -> JobStatus? in
                guard case .status(let job) = SpoolFile(entry) else { return nil }
                return try files.status(of: job)
            }.sorted { $0.identity.name < $1.identity.name }
        }
    }

    private func schedule(_ ifMissed: Schedule.IfMissed) -> String {
        #"{"every_seconds": 300, "if_missed": "\#(ifMissed.rawValue)", "request": {"type": "plain"}}"#
    }

    @Test(
        "has one job for each slot that is due, at whatever change on the disk the daemon dies",
        arguments: Schedule.IfMissed.allCases)
    func everyDeath(ifMissed: Schedule.IfMissed) async throws {
        signal(SIGIO, SIG_IGN)
        var deaths = 0
        var diesOnce = true
        while diesOnce {
            diesOnce = try await dies(ifMissed, after: deaths + 1)
            deaths += 1
            try #require(deaths < 500)
        }
        // Less would mean that nothing was done.
        #expect(deaths > 20)
    }

    /// - Returns: whether the daemon had something to do at this change.
    private func dies(_ ifMissed: Schedule.IfMissed, after changes: Int) async throws -> Bool {
        let world = try World()
        return try await Clock.$replacement.withValue(world.clocks) {
            try world.schedule(schedule(ifMissed))
            _ = try await world.live()
            let since = try #require(try world.status()?.bookmark.since)
            world.clocks.pass(1230)
            let died = try await world.live(dyingAfter: changes)
            let accepted = try world.jobs()
            world.clocks.pass(1)
            _ = try await world.live()
            let expected: [Double] =
                switch ifMissed {
                case .skip: [1200]
                case .once: [900, 1200]
                case .all: [300, 600, 900, 1200]
                }
            let slots = expected.map { since.adding(seconds: $0) }
            let place: Comment = "death at change \(changes)"
            #expect(try world.slots() == slots.map(\.compact), place)
            let jobs = try world.jobs()
            #expect(jobs.map(\.identity.slot) == slots.map { ScheduleSlot(schedule: Self.name, at: $0) }, place)
            // Nobody's job was taken for another one.
            for job in accepted { #expect(jobs.contains { $0.identity.jobID == job.identity.jobID }, place) }
            let status = try #require(try world.status())
            #expect(status.bookmark.handledUntil == slots.last, place)
            #expect(status.lastScheduledAt == slots.last, place)
            #expect(status.lastRun?.standing == .pending, place)
            #expect(status.nextRunAt == since.adding(seconds: 1500), place)
            #expect(status.bookmark.missed == 3, place)
            #expect(try Directory.open("\(world.files.path)/.jobspool/scheduled").entries() == [], place)
            #expect(try Directory.open("\(world.files.path)/.jobspool/tmp").entries() == [], place)
            return died
        }
    }

    @Test(
        "does not count as skipped what was dropped just before the daemon died, also when another slot has passed since"
    )
    func countsAfterDeath() async throws {
        signal(SIGIO, SIG_IGN)
        var deaths = 0
        var diesOnce = true
        while diesOnce {
            let world = try World()
            deaths += 1
            diesOnce = try await Clock.$replacement.withValue(world.clocks) {
                try world.schedule(schedule(.once))
                _ = try await world.live()
                world.clocks.pass(1230)
                let died = try await world.live(dyingAfter: deaths)
                world.clocks.pass(600)
                _ = try await world.live()
                // 300 to 1800, of which those before 1500 are late now, if they have not been dropped.
                let skipped = try #require(try world.status()).bookmark.skipped
                #expect(try world.slots().count + Int(skipped) == 6, "death at change \(deaths)")
                return died
            }
            try #require(deaths < 500)
        }
        #expect(deaths > 20)
    }

    @Test("wakes at its slots, and is not confused when somebody sets the clock") func clockIsSet() async throws {
        signal(SIGIO, SIG_IGN)
        let world = try World()
        try await Clock.$replacement.withValue(world.clocks) {
            try world.schedule(schedule(.skip))
            _ = try await world.live { daemon in
                let since = try #require(try world.status()?.bookmark.since)
                func at(_ seconds: Double) -> String { since.adding(seconds: seconds).compact }
                func pass(_ seconds: Double) async throws {
                    world.clocks.pass(seconds)
                    daemon.tick()
                    try await world.untilIdle(daemon)
                }
                try await pass(299)
                #expect(try world.slots() == [])
                try await pass(1)
                #expect(try world.slots() == [at(300)])
                // Back by an hour: nothing is repeated.
                world.clocks.setClock(by: -3600)
                try await pass(3599)
                #expect(try world.slots() == [at(300)])
                try await pass(301)
                #expect(try world.slots() == [at(300), at(600)])
                // Forward by an hour: it has missed twelve slots.
                world.clocks.setClock(by: 3600)
                try await pass(100)
                #expect(try world.slots() == [at(300), at(600)])
                #expect(try world.status()?.bookmark.missed == 12)
                #expect(try world.status()?.nextRunAt == since.adding(seconds: 4500))
                // Back by five hours: the clock was wrong, the grid begins anew.
                world.clocks.setClock(by: -18_000)
                try await pass(0)
                let anew = try #require(try world.status()?.bookmark.since)
                #expect(anew == since.adding(seconds: 600 + 3600 + 100 - 18_000))
                try await pass(300)
                #expect(try world.slots().contains(anew.adding(seconds: 300).compact))
            }
        }
    }
}
