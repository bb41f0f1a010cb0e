/// Takes the wake-ups of a watch into a list, and waits for what a test expects of it, up to a deadline.
import Glibc
import SpoolProtocol
import SpoolWatcher
import Synchronization
import Testing

final class Listener: Sendable {
    let watch: Watch
    private let list = Mutex<[WakeUp]>([])

    init(_ watch: Watch) { self.watch = watch }

    var heard: [WakeUp] { list.withLock { $0 } }

    func heard(_ hint: WakeUp) -> Bool { list.withLock { $0.contains(hint) } }

    func heard(_ name: String) -> Bool { heard(.file(FileName(name))) }

    func forget() { list.withLock { $0.removeAll() } }

    func listen() async {
        for await hint in watch.wakeUps { list.withLock { $0.append(hint) } }
    }

    /// Records an issue when the condition is not met in time.
    func expect(
        _ what: Comment, within limit: Duration = .seconds(10), sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: (Listener) -> Bool
    ) async throws {
        if !(await eventually(within: limit) { condition(self) }) {
            Issue.record("\(what); heard \(heard.suffix(20))", sourceLocation: sourceLocation)
        }
    }
}

/// Whether the condition comes true in time.
func eventually(within limit: Duration = .seconds(10), _ condition: () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        guard ContinuousClock.now < deadline, (try? await Task.sleep(for: .milliseconds(2))) != nil else {
            return false
        }
    }
    return true
}

/// A watch of a fresh spool, with the first rescan already heard and forgotten.
func watching(
    _ options: DirectoryWatcher.Options = DirectoryWatcher.Options(),
    seams: DirectoryWatcher.Seams = DirectoryWatcher.Seams(), in parent: String = "/tmp",
    _ body: (Spool, Listener) async throws -> Void
) async throws {
    let spool = try Spool(in: parent)
    let watcher = DirectoryWatcher(
        path: spool.path, privateDirectory: spool.privateDirectory, options: options, seams: seams)
    try await watcher.watching { watch in
        let listener = Listener(watch)
        async let listening: Void = listener.listen()
        try await listener.expect("a rescan at the start") { $0.heard.first == .rescan(.start) }
        listener.forget()
        try await body(spool, listener)
        watch.stop()
        await listening
    }
}

extension DirectoryWatcher.Options {
    init(_ change: (inout DirectoryWatcher.Options) -> Void) {
        self.init()
        change(&self)
    }
}

/// The suites that use the C library, of which there is one per process: one test at a time.
@Suite(.serialized) struct WatcherTests {}

/// A number that closures share.
final class Shared: Sendable {
    private let atomic: Atomic<Int>

    init(_ value: Int) { atomic = Atomic(value) }

    var value: Int {
        get { atomic.load(ordering: .acquiring) }
        set { atomic.store(newValue, ordering: .releasing) }
    }

    /// Holds this thread until it is not 0 any more; ten seconds at the most.
    func hold() {
        let deadline = ContinuousClock.now + .seconds(10)
        while value == 0 {
            guard ContinuousClock.now < deadline else {
                Issue.record("nobody has let the thread go on")
                return
            }
            sched_yield()
        }
    }

    func increment() { atomic.add(1, ordering: .acquiringAndReleasing) }
}
