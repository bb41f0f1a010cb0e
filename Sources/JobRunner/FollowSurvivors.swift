/// Those of an attempt who live on: who does not end though KILL was sent, and who is left when the supervisor was killed. The lane waits
/// for them, since two attempts at once would be worse; so somebody has to hear of it.
import Glibc
import SpoolProtocol
import SpoolStorage

extension AttemptFollower {
    func tellOfSurvivors(_ following: inout Following) {
        guard case let now = Clock.monotonic(), now >= following.recordDue else { return }
        following.recordDue = now + Self.recordInterval
        do throws(SpoolError) {
            tell(ofSurvivors: try link.process.survivors(), &following)
        } catch {
            tell(error, &following)
        }
    }

    private func tell(ofSurvivors who: String?, _ following: inout Following) {
        guard let who, who != following.survivors else { return }
        following.survivors = who
        let message = "does not end before \(who), who cannot be stopped: somebody has to stop them"
        following.ledger.note(.warning, "the attempt \(message)", at: Clock.now())
        warn("\(plan.status.identity.name) \(message)")
    }

    // MARK: Orphans

    private func isSomebodyLeft(cameToItsEnd: Bool) throws(SpoolError) -> Bool {
        if try link.process.isAlive() { return true }
        if cameToItsEnd { return false }
        return try Orphans.exist(of: plan.status.identity.jobID, link.process)
    }

    /// The supervisor is gone. When it had come to its end nobody is left, and the lock goes with its last descriptor;
    /// otherwise whoever still holds the lock has lost it: TERM, the grace time, KILL.
    /// - Returns: what the supervisor wrote; nil when told to leave.
    func stopOrphans(_ following: inout Following) throws(SpoolError) -> AttemptRecordState? {
        let jobID = plan.status.identity.jobID
        let record = try link.process.record()
        let cameToItsEnd: Bool
        switch record {
        case .ended: cameToItsEnd = true
        case .notStarted, .started, .exited: cameToItsEnd = false
        }
        let patience = Clock.monotonic() + (cameToItsEnd ? 1 : 0)
        var killAt: Double?
        while try isSomebodyLeft(cameToItsEnd: cameToItsEnd) {
            if Clock.monotonic() < patience {
                _ = poll(nil, 0, 1)
                continue
            }
            if link.isDetached { return nil }
            let now = Clock.monotonic()
            if killAt == nil {
                following.ledger.note(.warning, "the supervisor was killed: stopping its handler", at: Clock.now())
                killAt = now + plan.graceSeconds
                try Orphans.signal(SIGTERM, of: jobID, link.process)
            } else if let deadline = killAt, now >= deadline {
                try Orphans.signal(SIGKILL, of: jobID, link.process)
                if now >= deadline + StopLadder.patience {
                    let left = try Orphans.find(of: jobID, link.process).compactMap(ProcessStat.describe)
                    tell(ofSurvivors: left.isEmpty ? nil : left.joined(separator: ", "), &following)
                }
            }
            _ = drain(&following)
            publishStatus(&following)
            _ = poll(nil, 0, 20)
        }
        return record
    }
}
