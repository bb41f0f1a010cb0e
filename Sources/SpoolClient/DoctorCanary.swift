/// A harmless file, to see whether the daemon sees what is dropped: a cancel file for a job that there is not, which a daemon
/// removes as soon as it looks at it. It starts nothing, and leaves no result.
import Glibc
import SpoolProtocol
import SpoolStorage

package enum Canary {
    /// What became of it.
    package enum Outcome: Sendable, Equatable {
        /// The daemon has removed it, so many seconds after it was dropped.
        case seen(after: Double)
        case notSeen(within: Double)
        /// It was not dropped.
        case notTried(Reason)
    }

    package enum Reason: String, Sendable, Equatable {
        case noDaemon
        case notWritable
        /// In a sticky directory that is not its own the daemon may not remove another user's file.
        case notRemovable
    }

    package static func finding(_ outcome: Outcome, overview: SpoolOverview?) -> Finding {
        let mode = overview.map { $0.intake.mode.isEmpty ? "" : " (intake: \($0.intake.mode))" } ?? ""
        switch outcome {
        case .seen(let seconds):
            return .ok(
                .canary, "the daemon saw a file \(Int((seconds * 1000).rounded())) ms after it was dropped\(mode)")
        case .notSeen(let seconds):
            return .problem(
                .canary, "the daemon did not see a file within \(Int(seconds)) s\(mode)",
                remedy: "look into the daemon's log; where inotify is silent, start it with --intake polling")
        case .notTried(.noDaemon):
            return .unchecked(
                .canary, "whether a file is seen cannot be tried without a daemon", remedy: "start one, and ask again")
        case .notTried(.notWritable):
            return .unchecked(
                .canary, "whether a file is seen cannot be tried: you may not write to the spool",
                remedy: "ask as somebody who may")
        case .notTried(.notRemovable):
            return .unchecked(
                .canary,
                "whether a file is seen cannot be tried: the daemon may not remove it in a sticky directory that is another user's",
                remedy: "ask as the daemon's user, or give the directory to that user")
        }
    }

    /// Whether it can be tried.
    package static func obstacle(_ facts: DirectoryFacts, daemonIsRunning: Bool) -> Reason? {
        if !daemonIsRunning { return .noDaemon }
        if !facts.root.allows(.write, to: facts.caller) || !facts.root.allows(.execute, to: facts.caller) {
            return .notWritable
        }
        if let daemon = facts.daemon, facts.caller.user != daemon.user, !facts.root.letsRemoveOthersFiles(daemon) {
            return .notRemovable
        }
        return nil
    }
}

extension SpoolDirectory {
    /// Drops one, and waits until it is gone or the time is over; then removes it itself.
    /// - Throws: `SpoolClientError`: `system`.
    package func dropCanary(within seconds: Double) throws(SpoolClientError) -> Canary.Outcome {
        let name: JobName
        do {
            name = try JobName("doctor-\(makeUUID())")
        } catch {
            preconditionFailure("a UUID makes a name: \(error)")
        }
        guard let file = SpoolFile.cancel(name).fileName else { preconditionFailure("a job has a cancel file") }
        let start = Clock.monotonic()
        do throws(SpoolError) {
            _ = try root.open(file, O_WRONLY | O_CREAT | O_EXCL)
        } catch  where [EACCES, EPERM, EROFS].contains(error.code) {
            return .notTried(.notWritable)
        } catch {
            throw SpoolClientError(error)
        }
        return try storage { () throws(SpoolError) in
            while Clock.monotonic() - start < seconds {
                if try root.stat(file) == nil { return .seen(after: Clock.monotonic() - start) }
                usleep(2000)
            }
            // It may have been seen at the last moment.
            return try root.remove(file) ? .notSeen(within: seconds) : .seen(after: Clock.monotonic() - start)
        }
    }
}
