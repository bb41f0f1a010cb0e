/// What a handler says while it runs: one JSON object a line on standard output, in the order of the calls, from any
/// thread. Everything is written at once except progress, of which at most ten lines a second come out; the latest is
/// written soon, also when nothing follows for a long time, and before the handler ends.
import Glibc
import JSONText
import Synchronization

final class Reporter: Sendable {
    private struct State {
        var output: LineOutput
        var progress = JobProgress()
        var isProgressPending = false
        var throttle: Throttle
    }

    private let state: Mutex<State>
    private let now: @Sendable () -> UInt64

    /// - Parameter interval: nanoseconds between two progress lines.
    init(
        descriptor: Int32, interval: UInt64 = 100_000_000,
        now: @escaping @Sendable () -> UInt64 = Reporter.monotonicNanoseconds
    ) {
        state = Mutex(State(output: LineOutput(descriptor: descriptor), throttle: Throttle(interval: interval)))
        self.now = now
    }

    /// Why nothing is written any more; nil while everything arrives.
    var failure: SystemCallError? { state.withLock { $0.output.failure } }

    /// Changes the progress; it is written now, or later, or overtaken by a later change. A new phase is never held back.
    func progress(_ change: (inout JobProgress) -> Void) {
        state.withLock { state in
            let phase = state.progress.phase
            change(&state.progress)
            state.isProgressPending = true
            let admitted = state.throttle.admits(at: now())
            if admitted || state.progress.phase != phase { Self.flush(&state) }
        }
    }

    /// Writes what was held back and has not been overtaken, again and again until the task is cancelled. A handler that waits, for a
    /// server or a slow disk, has said before how far it is, and nobody else would write that.
    func keepFlushing() async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(nanoseconds: state.withLock { $0.throttle.interval })
            } catch {
                return
            }
            state.withLock { state in
                if state.isProgressPending, state.throttle.admits(at: now()) { Self.flush(&state) }
            }
        }
    }

    /// Writes the latest progress if it has not been.
    func flush() { state.withLock { if $0.isProgressPending { Self.flush(&$0) } } }

    func write(_ json: JSON) {
        let line = json.line
        state.withLock { $0.output.write(line) }
    }

    /// Writes a line whose texts are for people: when it would be too long, with their beginnings.
    func write(_ make: (_ text: (String) -> String) -> JSON) {
        do throws(LineTooLong) {
            try writeWhole(make { $0 })
        } catch {
            write(make { $0.cutForLine })
        }
    }

    /// Writes a line that is worth nothing when it is cut.
    /// - Throws: `LineTooLong`, and then nothing is written.
    func writeWhole(_ json: JSON) throws(LineTooLong) {
        let line = json.line
        if line.count - 1 > LineTooLong.limit { throw LineTooLong(bytes: line.count - 1) }
        state.withLock { $0.output.write(line) }
    }

    private static func flush(_ state: inout State) {
        state.isProgressPending = false
        var line = state.progress.json.line
        if line.count - 1 > LineTooLong.limit {
            var progress = state.progress
            progress.item = progress.item?.cutForLine
            line = progress.json.line
        }
        state.output.write(line)
    }

    static let monotonicNanoseconds: @Sendable () -> UInt64 = {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
