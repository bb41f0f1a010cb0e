/// Waiting for a job with something to look at: a line on a terminal that shows how far it is, and Ctrl-C that ends the
/// waiting, not the job.
import ArgumentParser
import Glibc
import SpoolClient
import SpoolProtocol
import SpoolStorage
import Synchronization

/// A point in time that may never come.
struct Deadline {
    private let at: Double?

    init(seconds: Double?) { at = seconds.map { Clock.monotonic() + $0 } }

    /// 0 when it has passed; nil: for ever.
    var secondsLeft: Double? { at.map { max(0, $0 - Clock.monotonic()) } }
}

extension ClientCommand {
    /// - Throws: `SpoolClientError`; `ExitCode` after Ctrl-C.
    func waitForEnd(_ watch: JobWatch, in spool: SpoolDirectory, timeout: Double?) throws -> JobView {
        Interrupt.install()
        var line = ProgressLine(watch.name, isQuiet: options.json && !Stream.diagnostics.isTerminal)
        defer { line.clear() }
        return try spool.wait(watch, timeout: timeout) { sight in
            if Interrupt.isRequested {
                line.clear()
                Stream.diagnostics.note(
                    "job \(safe(watch.name.string)) goes on; cancel it with: \(options.commandLine("cancel", watch.name))"
                )
                throw ExitCode(ExitStatus.interrupted.rawValue)
            }
            switch sight {
            case .over: line.clear()
            case .underWay(let view):
                try line.show(view, watch.version) { () throws(SpoolClientError) in try spool.daemon() }
            }
        }
    }
}

/// SIGINT as something to ask for: sigaction(2) without SA_RESTART, so that a pause ends at once.
enum Interrupt {
    private static let requested = Atomic<Bool>(false)

    static var isRequested: Bool { requested.load(ordering: .relaxed) }

    static func install() {
        requested.store(false, ordering: .relaxed)
        var action = sigaction()
        sigaction(SIGINT, nil, &action)
        // A shell's background job ignores Ctrl-C, and goes on doing so.
        guard unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) != 1 else { return }
        action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in Interrupt.requested.store(true, ordering: .relaxed) }
        sigaction(SIGINT, &action, nil)
    }
}
