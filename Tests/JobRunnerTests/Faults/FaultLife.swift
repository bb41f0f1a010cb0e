/// What is done to a spool while its daemon's disk has a fault: a bit of everything. Whatever fails when, each job has to come to the one end
/// that it would have come to without.
import JSONText
import SpoolProtocol
import SpoolStorage

@testable import JobRunner

/// What came of a life.
struct FaultReport: Sendable {
    var violation: Violation?
    var calls = 0
    /// The calls that failed.
    var hits: [String] = []
    /// The log tells of it.
    var isTold = false
    var deaths = 0
    /// Where the calls of each part begin.
    var parts: [(name: String, call: Int)] = []
}

final class FaultLife {
    let world: FaultWorld
    private var parts: [(name: String, call: Int)] = []

    static func live(_ plan: FaultPlan?, recorder: DiskRecorder? = nil) async -> FaultReport {
        var report = FaultReport()
        do {
            let world = try FaultWorld(plan, recorder: recorder)
            await Clock.$replacement.withValue(world.clocks) {
                let life = FaultLife(world: world)
                do {
                    try await life.all()
                } catch {
                    report.violation = Violation(
                        "\(plan.map { "\($0)" } ?? "undisturbed") (\(world.disturbance.hits.prefix(3))), in \(life.parts.last?.name ?? "the beginning"): \(error)"
                    )
                }
                report.parts = life.parts
                await world.cleanUp()
            }
            report.calls = world.disturbance.calls
            report.hits = world.disturbance.hits
            report.deaths = world.deaths
            let lines = world.log.lines
            report.isTold =
                plan?.fault.code.map { code in
                    let words = SpoolError(.open, "", code: code).reason
                    return lines.contains { $0.contains(words) }
                } ?? false
        } catch {
            report.violation = Violation("\(error)")
        }
        return report
    }

    private init(world: FaultWorld) { self.world = world }

    private func begin(_ name: String) {
        parts.append((name, world.disturbance.calls + 1))
    }

    private func all() async throws {
        var first = ""
        try await part("accept, start, report, checkpoint, finish") { first = try await run() }
        try await part("retry", retry)
        try await part("pause, cancel of a pending job", pause)
        try await part("archive, cancel of a running job") { try await again(after: first) }
        try await part("schedule", schedule)
        try await part("reject", reject)
        try await part("stop and recover", recover)
        try await part("a queue", queue)
        try await part("join, after, not before, replace", turns)
        try await part("a feed that is full", rotate)
        begin("retention")
        try await retain()
        begin("the end of what is kept")
        try await delete()
        begin("the end")
        try await world.judgeEnd()
    }

    private func part(_ name: String, _ live: () async throws -> Void) async throws {
        begin(name)
        try await live()
        try await world.judgeFamilies()
    }

    private func run() async throws -> String {
        try world.drop("a")
        let attempt = try await world.attempt("a")
        for line: JSON in [
            ["type": "log", "level": "info", "message": "one"],
            ["type": "progress", "current": 1, "total": 2],
            ["type": "error", "item": "x", "code": "BAD", "message": "", "retryable": false],
            ["type": "checkpoint", "value": "half"],
        ] { attempt.say(line) }
        try await world.reach("the checkpoint") {
            try world.files.status(of: "a")?.checkpoint == "half"
        }
        attempt.say(["type": "checkpoint", "value": "more"])
        try await world.reach("the next checkpoint") {
            try world.files.status(of: "a")?.checkpoint == "more"
        }
        attempt.say(["type": "log", "level": "info", "message": "two"])
        attempt.say(["type": "result", "value": 42])
        try world.end(attempt, .exit(0))
        let result = try await world.result("a", Over(standing: .completed, outcome: .partial))
        if result.result != 42 || result.errorsTotal != 1 { throw Violation("its result is \(result.json.text)") }
        try await world.rest()
        let family = try Family(world.files, "a")
        if family.logged != ["one", "two"] || family.itemErrors != ["x"] {
            throw Violation("its log has \(family.logged), its errors \(family.itemErrors)")
        }
        return result.status.identity.jobID
    }

    private func retry() async throws {
        try world.drop("b", type: .other, #", "retry": {"max_attempts": 2, "backoff_seconds": 10}"#)
        let first = try await world.attempt("b")
        first.say(["type": "checkpoint", "value": "b1"])
        try world.end(first, .exit(75))
        let second = try await world.attempt("b")
        if second.jobID != first.jobID || second.number != 2 { throw Violation("its second attempt is another one") }
        let input = try Directory.open("\(world.files.path)/.jobspool/attempts/\(second.identifier)")
            .read(AttemptFile.request)
        if try JSON(parsing: input ?? [])["checkpoint"] != "b1" { throw Violation("it lost its checkpoint") }
        try world.end(second, .exit(0))
        let result = try await world.result("b", Over(standing: .completed, outcome: .success))
        if result.attempts.count != 2 { throw Violation("it had \(result.attempts.count) attempts") }
    }

    private func pause() async throws {
        try world.put("", as: .pause)
        try await world.reach("the pause") { try world.files.json(.spoolStatus)?["paused"]?.isNull == false }
        try world.drop("c")
        try await world.reach("c to wait") { try world.files.status(of: "c")?.standing == .pending }
        try world.put("", as: .cancel("c"))
        try await world.result("c", .cancelled)
        try world.remove(.pause)
        try await world.reach("the end of the pause") {
            try world.files.json(.spoolStatus)?["paused"]?.isNull == true && !world.files.isCancelled("c")
        }
    }

    private func again(after first: String) async throws {
        try world.drop("a")
        let attempt = try await world.attempt("a")
        if attempt.jobID == first { throw Violation("it is the same job once more") }
        try world.put("", as: .cancel("a"))
        try await world.reach("the order to stop") { attempt.hasOrder || !attempt.isAlive }
        try world.end(attempt, .signal(15))
        try await world.result("a", .cancelled, after: first)
        var archived: [String] = []
        var asked = 0
        try await world.reach("the archive of the first") {
            // What a fault has left half-way is completed by the next pass.
            if asked % 10 == 5 { world.daemon?.retain() }
            asked += 1
            archived = try world.files.archived().map(\.status.identity.jobID)
            return !archived.isEmpty
        }
        if archived != [first] { throw Violation("the archive has \(archived)") }
    }

    private func schedule() async throws {
        try world.put(
            #"{"every_seconds": 3000, "if_missed": "all", "request": {"type": "plain"}}"#, as: .schedule("s"))
        try await world.reach("the schedule's status") { try world.files.json(.scheduleStatus("s")) != nil }
        world.clocks.pass(3001)
        var slot: JobName?
        try await world.reach("the slot") {
            slot = try world.files.root.entries().compactMap { entry -> JobName? in
                if case .request(let job) = SpoolFile(entry), job.string.hasPrefix("s-") { job } else { nil }
            }.first
            return slot != nil
        }
        guard let slot else { return }
        try world.remove(.schedule("s"))
        let attempt = try await world.attempt(slot)
        try world.end(attempt, .exit(0))
        let result = try await world.result(slot, Over(standing: .completed, outcome: .success))
        if result.status.identity.slot?.schedule != "s" { throw Violation("it is not the schedule's") }
        try await world.reach("the end of the schedule") {
            try world.files.root.stat(SpoolFile.scheduleStatus("s").modelName) == nil
        }
    }

    private func reject() async throws {
        try world.put(#"{"typ": "plain"}"#, as: .request("c"))
        try await world.reach("the rejection") { try world.files.result(of: "c")?.status.standing == .rejected }
    }

    private func recover() async throws {
        try world.drop("d")
        let attempt = try await world.attempt("d")
        attempt.say(["type": "log", "level": "info", "message": "before"])
        try await world.reach("d to be shown") { try world.files.status(of: "d")?.standing == .running }
        try await world.stop(.leave)
        attempt.say(["type": "log", "level": "info", "message": "after"])
        try await world.rest()
        if !attempt.isAlive { throw Violation("the attempt has ended") }
        try await world.stop(.stop, ending: .signal(15))
        let next = try await world.attempt("d")
        if next.jobID != attempt.jobID { throw Violation("it is another job") }
        try world.end(next, .exit(0))
        try await world.result("d", Over(standing: .completed, outcome: .success))
        try await world.rest()
        let logged = try Family(world.files, "d").logged
        if logged != ["before", "after"] { throw Violation("its log has \(logged)") }
    }
}
