/// More requests at once than the kernel's event queue holds. `JOBSPOOL_TEST_BURST` is how many; 5,000 unless it says otherwise, 20,000 in the benchmark.
import Glibc
import JSONText
import SpoolStorage
import TestSupport
import Testing

extension EndToEnd {
    @Suite("A burst of requests")
    struct BurstTests {
        let yard: Yard
        /// In memory: this is about many requests, not about how long a disk takes to sync them.
        init() throws { yard = try Yard(in: quickDirectory) }

        static let count = getenv("JOBSPOOL_TEST_BURST").flatMap { Int(String(cString: $0)) } ?? 5_000

        @Test("runs every job once, in order of acceptance, none beside another", arguments: [true, false])
        func burst(daemonIsUp: Bool) async throws {
            // What each run writes is written by the kernel in one piece; beginnings and ends tell whether two overlapped.
            let script = "echo s $JOBSPOOL_JOB_ID >> ../order; echo e $JOBSPOOL_JOB_ID >> ../order"
            let definition: JSON = ["command": ["/bin/dash", "-c", .string(script)]]
            try Yard.write(definition.text, toFile: "\(yard.root)/types/t.json")
            if daemonIsUp { try await yard.start() }
            let began = Clock.monotonic()
            for index in 1...Self.count { try yard.drop("job\(index)", ["type": "t"]) }
            if !daemonIsUp { try await yard.start() }
            try await awaitCompleted(Self.count)
            print("a burst of \(Self.count): \(Int(Double(Self.count) / (Clock.monotonic() - began))) jobs/s")
            let events = try yard.shell("cat archive/spool.events-*.jsonl spool.events.jsonl 2>/dev/null").output
                .split(separator: "\n").map { try JSON(parsing: String($0)) }
            func jobs(_ kind: String) -> [String] {
                events.filter { $0["event"]?.string == kind }.compactMap { $0["job_id"]?.string }
            }
            let accepted = jobs("accepted")
            #expect(accepted.count == Self.count)
            #expect(Set(accepted).count == Self.count)
            let ran = Yard.readFile("\(yard.path)/.jobspool/work/order")?.split(separator: "\n").map { String($0) }
            #expect(ran == accepted.flatMap { ["s \($0)", "e \($0)"] })
            #expect(jobs("completed") == accepted)
            #expect(yard.shell("ls | grep -c '^job.*\\.result\\.json$'").output == "\(Self.count)\n")
        }

        private func awaitCompleted(_ count: Int) async throws {
            try await eventually("all jobs to be over", within: 540) {
                let done = try yard.json("spool.status.json")?["finished_since_start"]?["completed"]?.int ?? 0
                return done >= count ? true : nil
            }
        }

        @Test("takes no more descriptors than a user has") func fewDescriptors() async throws {
            try Yard.write(#"{"command": ["/bin/true"]}"#, toFile: "\(yard.root)/types/t.json")
            for index in 1...2000 { try yard.drop("job\(index)", ["type": "t"]) }
            try await yard.start(
                by: ["/bin/sh", "-c", #"ulimit -n 100; exec "$@""#, "sh", "\(Yard.executables)/jobspool"], [])
            try await awaitCompleted(2000)
            #expect(!yard.daemonLog.contains("Too many open files"))
        }
    }
}
