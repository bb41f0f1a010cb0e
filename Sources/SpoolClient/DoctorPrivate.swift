/// Checks inside of the daemon's own directory, for those who may look there: what was moved aside, and what is left of
/// attempts.
import Glibc
package import SpoolProtocol
import SpoolStorage

package struct PrivateFacts: Sendable {
    /// Of `.jobspool/aside`, for remedies.
    package var asidePath: String
    package var aside: [Aside]
    /// Directories of attempts whose job is not in the spool any more, or over.
    package var leftAttempts: [String]

    package struct Aside: Sendable, Equatable {
        package var name: String
        package var movedAt: Timestamp

        package init(name: String, movedAt: Timestamp) {
            self.name = name
            self.movedAt = movedAt
        }
    }

    package init(asidePath: String, aside: [Aside], leftAttempts: [String]) {
        self.asidePath = asidePath
        self.aside = aside
        self.leftAttempts = leftAttempts
    }

    package func findings(now: Timestamp) -> [Finding] { [asideFinding(now), attemptsFinding] }

    private func asideFinding(_ now: Timestamp) -> Finding {
        guard let oldest = aside.map(\.movedAt).min() else { return .ok(.aside, "nothing was moved aside") }
        let names = aside.sorted { $0.movedAt > $1.movedAt }.map(\.name)
        return .warning(
            .aside,
            "\(counted(aside.count, "file")) moved aside, the first \(roughly(seconds: now.seconds(since: oldest))) ago: \(listed(names))",
            remedy: "see in spool.events.jsonl why, and whose they were; then remove them from \(asidePath)")
    }

    private var attemptsFinding: Finding {
        if leftAttempts.isEmpty { return .ok(.attempts, "no attempt is left of a job that is over") }
        return .warning(
            .attempts, "what is left of attempts of jobs that are over, or gone: \(listed(leftAttempts.sorted()))",
            remedy: "restart the daemon: it stops what still runs there, and cleans up")
    }

    /// - Parameters:
    ///   - attempts: the attempts' directories, and when each was changed last
    ///   - unfinished: the `job_id`s of the jobs that are not over
    package static func left(
        of attempts: [(jobID: String, changedAt: Timestamp)], unfinished: Set<String>, now: Timestamp
    ) -> [String] {
        // A job that has just begun, or just ended, may not be among them.
        attempts.filter { !unfinished.contains($0.jobID) && now.seconds(since: $0.changedAt) > 60 }.map(\.jobID)
    }
}

extension SpoolDirectory {
    /// nil where this process may not look, or there is nothing to look at.
    /// - Throws: `SpoolClientError`: `system`.
    package func privateFacts(_ inventory: SpoolInventory, now: Timestamp) throws(SpoolClientError) -> PrivateFacts? {
        guard let home = try openHome() else { return nil }
        // In this order: a job that begins in between has no directory in the list.
        let attempts = try storage { () throws(SpoolError) in try Self.ages(of: "attempts", in: home) }
        var unfinished: Set<String> = []
        let files = try storage { () throws(SpoolError) in try JobFiles(root) }
        for (name, family) in inventory.families where family.status != nil {
            do {
                if let status = try files.readStatus(name)?.0, family.result == nil || !status.standing.isOver {
                    unfinished.insert(status.identity.jobID)
                }
            } catch {
                // What cannot be read is told with the outputs.
            }
        }
        let aside = try storage { () throws(SpoolError) in try Self.ages(of: Spool.asideDirectory, in: home) }
        return PrivateFacts(
            asidePath: "\(path)/\(SpoolFile.privateDirectory)/\(Spool.asideDirectory)",
            aside: aside.map { .init(name: Spool.originalName($0.name), movedAt: $0.at) },
            leftAttempts: PrivateFacts.left(
                of: attempts.map { ($0.name, $0.at) }, unfinished: unfinished, now: now))
    }

    private func openHome() throws(SpoolClientError) -> Directory? {
        do {
            let home = try root.directory(SpoolFile.privateDirectory)
            _ = try home.entries()
            return home
        } catch  where [ENOENT, ENOTDIR, ELOOP, EACCES, EPERM].contains(error.code) {
            return nil
        } catch {
            throw SpoolClientError(error)
        }
    }

    /// The entries of a directory in there, with the times when they were changed or moved there.
    private static func ages(of name: String, in home: Directory) throws(SpoolError) -> [(name: String, at: Timestamp)]
    {
        let directory: Directory
        do {
            directory = try home.directory(name)
        } catch  where error.code == ENOENT {
            return []
        }
        var ages: [(name: String, at: Timestamp)] = []
        for entry in try directory.entries() {
            guard let stat = try directory.stat(entry) else { continue }
            ages.append(("\(entry)", Timestamp(seconds: stat.changed / 1_000_000_000, nanoseconds: 0)))
        }
        return ages
    }
}
