/// The daemon's own threads and timers.
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@testable import JobRunner

/// A value that several threads change.
private final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { value.withLock { body(&$0) } }
}

@Suite("Threads", .timeLimit(.minutes(5)))
struct ThreadsTests {
    /// How many threads of this process have a name.
    private func count(named name: String) throws -> Int {
        try Directory.open("/proc/self/task").entries().count { Self.name(of: "self/task/\($0)") == name }
    }

    /// What top(1) shows of a process or thread.
    private static func name(of thread: String) -> String? {
        do {
            let comm = try Directory.open("/proc/\(thread)").read(FileName("comm"))
            return comm.map { String(decoding: $0.dropLast(), as: UTF8.self) }
        } catch {
            // It has ended meanwhile.
            return nil
        }
    }

    @Test("are as many as there is to run at once, and a few stay") func pool() async throws {
        let pool = ThreadPool(name: "pool-test", mostIdle: 2)
        for _ in 0..<3 {
            let arrived = Shared(0)
            let left = Shared(0)
            for _ in 0..<12 {
                pool.run {
                    arrived.withLock { $0 += 1 }
                    // None goes on before all are here.
                    while arrived.withLock({ $0 < 12 }) { _ = poll(nil, 0, 1) }
                    left.withLock { $0 += 1 }
                }
            }
            try await eventually("all to have run") { left.withLock { $0 == 12 } }
            try await eventually("two threads to be left") { try count(named: "pool-test") == 2 }
        }
        pool.end()
        try await eventually("no thread to be left") { try count(named: "pool-test") == 0 }
        let hasRun = Shared(false)
        pool.run { hasRun.withLock { $0 = true } }
        try await eventually("what comes after the end to run") { hasRun.withLock { $0 } }
        try await eventually("its thread to be gone") { try count(named: "pool-test") == 0 }
    }

    @Test("run one thing after another, in order, whoever asks for it") func serial() async throws {
        let pool = ThreadPool(name: "serial-test")
        defer { pool.end() }
        let worker = SerialWorker(pool)
        let state = Shared((running: 0, together: 0, ran: [[Int]](repeating: [], count: 4)))
        await withDiscardingTaskGroup { group in
            for asker in 0..<4 {
                group.addTask {
                    for number in 0..<500 {
                        worker.run {
                            let together = state.withLock { state in
                                state.running += 1
                                return state.running
                            }
                            state.withLock { state in
                                state.together = max(state.together, together)
                                state.ran[asker].append(number)
                                state.running -= 1
                            }
                        }
                    }
                }
            }
        }
        try await eventually("all to have run") { state.withLock { $0.ran.allSatisfy { $0.count == 500 } } }
        state.withLock { state in
            #expect(state.together == 1)
            for ran in state.ran { #expect(ran == Array(0..<500)) }
        }
    }

    @Test("run what is to come in the order of its times, and not before them") func timers() async throws {
        let pool = ThreadPool(name: "timer-test")
        defer { pool.end() }
        let timers = Timers(pool)
        let begin = Monitor<Never>.now()
        let came = Shared([(delay: Double, after: Double)]())
        for delay in [0.3, 0.1, -1, 0.2, 3600] {
            timers.run(after: delay) { came.withLock { $0.append((delay, Monitor<Never>.now() - begin)) } }
        }
        try await eventually("four to have come") { came.withLock { $0.count == 4 } }
        came.withLock { came in
            #expect(came.map(\.delay) == [-1, 0.1, 0.2, 0.3])
            for (delay, after) in came { #expect(after >= delay) }
        }
        timers.end()
        pool.end()
        try await eventually("no thread to wait for the last one") { try count(named: "timer-test") == 0 }
    }

    @Test("there is one for all tasks of a daemon, and for those that these begin") func tasks() async throws {
        let names = Shared(Set<String>())
        @Sendable func note() {
            let name = Self.name(of: "thread-self") ?? ""
            names.withLock { _ = $0.insert(name) }
        }
        actor Counter {
            var count = 0
            func add(_ note: () -> Void) {
                note()
                count += 1
            }
        }
        let counter = Counter()
        let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
        let task = Task(executorPreference: SerialTaskExecutor(name: "task-test")) {
            note()
            await withDiscardingTaskGroup { group in
                for _ in 0..<10 {
                    group.addTask {
                        note()
                        await counter.add(note)
                    }
                }
                for await _ in stream { await counter.add(note) }
            }
            note()
        }
        for number in 0..<100 { continuation.yield(number) }
        continuation.finish()
        await task.value
        #expect(await counter.count == 110)
        #expect(names.withLock { $0 } == ["task-test"])
    }
}
