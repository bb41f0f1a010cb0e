/// The parts of a life in which jobs wait for each other.
import JSONText
import SpoolProtocol
import SpoolStorage

@testable import JobRunner

extension FaultLife {
    private static let success = Over(standing: .completed, outcome: .success)

    /// Each job of a lane is made ready while the one before it runs, and started by who sees that one end; their results get to the disk
    /// meanwhile, some together.
    func queue() async throws {
        let names: [JobName] = ["e", "f", "g", "h"]
        try world.put("", as: .pause)
        try await world.reach("the pause") { try world.files.json(.spoolStatus)?["paused"]?.isNull == false }
        for name in names { try await wait(name) }
        try world.remove(.pause)
        var sequences: [Int64] = []
        var left = names
        while !left.isEmpty {
            // One whose request could not be read in its turn has it later.
            let attempt = try await world.attempt(ofOneOf: left)
            try world.end(attempt, .exit(0))
            left.removeAll { $0 == attempt.name }
        }
        for name in names { sequences.append(try await world.result(name, Self.success).status.identity.sequence) }
        if sequences != sequences.sorted() { throw Violation("the jobs of the queue have the numbers \(sequences)") }
    }

    /// `i` runs, and `j` waits for it to complete, and for its time; `k` is joined to `i`, `l` turned away, and `m` takes the place of `j`.
    func turns() async throws {
        try world.drop("i", #", "params": {"work": 1}"#)
        let running = try await world.attempt("i")
        let later = world.clocks.now().adding(seconds: 100_000)
        try await wait("j", #", "after": ["i"], "not_before": "\#(later)""#)
        try await wait("k", #", "params": {"work": 1}, "on_busy": "join""#)
        try world.drop("l", #", "on_busy": "reject""#)
        try await world.result("l", .rejected(.busy))
        try world.end(running, .exit(0))
        let first = try await world.result("i", Self.success)
        let joined = try await world.result("k", Self.success)
        if joined.status.joined?.jobID != first.status.identity.jobID { throw Violation("k is not joined to i") }
        if try world.files.status(of: "j")?.standing != .pending { throw Violation("j does not wait") }
        world.clocks.pass(100_001)
        let replaced = try await world.attempt("j")
        try world.drop("m", #", "on_busy": "replace""#)
        try await world.reach("the order to stop") { replaced.hasOrder || !replaced.isAlive }
        try world.end(replaced, .signal(15))
        try await world.result("j", .cancelled)
        try world.end(try await world.attempt("m"), .exit(0))
        try await world.result("m", Self.success)
    }

    /// Drops a request of the lane in which all wait.
    private func wait(_ name: JobName, _ more: String = "") async throws {
        try world.drop(name, more)
        try await world.reach("\(name) to wait") { try world.files.status(of: name)?.standing == .pending }
    }
}
