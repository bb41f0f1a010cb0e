/// Threads for what blocks, and times to come. Not Dispatch: as soon as that has a thread it wakes once a second for as long as the
/// process lives, to look at its threads, and nothing here is to wake a machine that has nothing to do.
import CLinux
import Glibc
import Synchronization

/// Threads that take what is to be run, each one thing at a time. There are as many as there is to run at once; a few stay for the next.
final class ThreadPool: Sendable {
    typealias Work = @Sendable () -> Void

    private struct State {
        var work: [Work] = []
        var idle = 0
        var mostIdle: Int
    }

    private let name: String
    private let standsBack: Bool
    private let state: Monitor<State>

    /// - Parameters:
    ///   - name: what top(1) shows, cut at 15 bytes.
    ///   - standsBack: others come first where there is not a processor for each.
    init(name: String, mostIdle: Int = 4, standsBack: Bool = false) {
        self.name = name
        self.standsBack = standsBack
        state = Monitor(State(mostIdle: mostIdle))
    }

    func run(_ work: @escaping Work) {
        let isTaken = state.withLock { state in
            state.work.append(work)
            return state.idle >= state.work.count
        }
        if isTaken {
            state.notify()
        } else {
            start()
        }
    }

    /// No thread stays from now on.
    func end() {
        state.withLock { $0.mostIdle = 0 }
        state.notify(all: true)
    }

    /// Without a thread nothing goes on: when the kernel has none to give it is asked again.
    private func start() {
        while true {
            let this = Unmanaged.passRetained(self)
            let code = linux_start_thread(
                name,
                { context in
                    guard let context else { return }
                    Unmanaged<ThreadPool>.fromOpaque(context).takeRetainedValue().runAll()
                }, this.toOpaque())
            if code == 0 { return }
            this.release()
            _ = poll(nil, 0, 10)
        }
    }

    private func runAll() {
        if standsBack { linux_stand_back() }
        while let work = next() { work() }
    }

    private func next() -> Work? {
        state.withLock { $0.idle += 1 }
        return state.wait { state in
            if !state.work.isEmpty {
                state.idle -= 1
                return .found(state.work.removeFirst())
            }
            guard state.idle > state.mostIdle else { return .nothing }
            state.idle -= 1
            return .found(nil)
        }
    }
}

/// Runs one thing after another, in order, on a thread of a pool.
final class SerialWorker: Sendable {
    private let pool: ThreadPool
    private let state = Mutex((work: [ThreadPool.Work](), isRunning: false))

    init(_ pool: ThreadPool) { self.pool = pool }

    func run(_ work: @escaping ThreadPool.Work) {
        let isFirst = state.withLock { state in
            state.work.append(work)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if isFirst { pool.run { [self] in runAll() } }
    }

    /// All that it was given has been run.
    var isIdle: Bool { state.withLock { !$0.isRunning } }

    private func runAll() {
        while true {
            let batch = state.withLock { state in
                defer { state.work = [] }
                state.isRunning = !state.work.isEmpty
                return state.work
            }
            if batch.isEmpty { return }
            for work in batch { work() }
        }
    }
}

/// One thread for all tasks of a daemon: they are many and short, and wait for each other.
package final class SerialTaskExecutor: TaskExecutor {
    private let worker: SerialWorker

    /// `name` is what top(1) shows, cut at 15 bytes.
    package init(name: String) { worker = SerialWorker(ThreadPool(name: name, mostIdle: 1)) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        worker.run { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}

/// Runs things at their times, on a thread of its own: they are short.
final class Timers: Sendable {
    private struct State {
        var due: [(time: Double, work: ThreadPool.Work)] = []
        var hasThread = false
        var hasEnded = false
    }

    private let state = Monitor(State())
    private let pool: ThreadPool

    init(_ pool: ThreadPool) { self.pool = pool }

    func run(after seconds: Double, _ work: @escaping ThreadPool.Work) {
        let time = Monitor<Never>.now() + seconds
        let needsThread = state.withLock { state in
            state.due.append((time, work))
            defer { state.hasThread = true }
            return !state.hasThread
        }
        if needsThread { pool.run { [self] in runAll() } } else { state.notify() }
    }

    /// What is still to come is forgotten.
    func end() {
        state.withLock { $0.hasEnded = true }
        state.notify()
    }

    private func runAll() {
        while let work = next() { work() }
    }

    private func next() -> ThreadPool.Work? {
        state.wait { state in
            if state.hasEnded { return .found(nil) }
            guard let next = state.due.indices.min(by: { state.due[$0].time < state.due[$1].time }) else {
                return .nothing
            }
            guard state.due[next].time <= Monitor<Never>.now() else { return .nothingBefore(state.due[next].time) }
            return .found(state.due.remove(at: next).work)
        }
    }
}
