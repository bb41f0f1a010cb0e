/// The limit on pending jobs: what a user drops beyond it is not accepted before others of his jobs have had their turn. It stays in the
/// spool as it is, which is told. The daemon's user and root have no limit.
import Glibc
import JSONText
import Logging
import SpoolProtocol
import SpoolStorage

extension Runner {
    func isLimited(_ owner: UInt32) -> Bool { owner != 0 && owner != geteuid() }

    /// How much a user may have when it is for jobs that others of his wait for: one more that names as many as a request may, and those.
    private var mostWithNeeded: Int { 2 * (configuration.maxPendingPerUser + Request.maximumAfter) }

    /// Whether what is dropped for a user now would be accepted now.
    func hasRoom(_ owner: UInt32) -> Bool {
        !isLimited(owner) || room(of: owner) > 0 && !heldBack.owners.contains(owner)
    }

    /// What a user has more than that is held back; each name in `after` counts as well, for it takes as much memory.
    private func room(of owner: UInt32) -> Int { configuration.maxPendingPerUser - pending.weight(of: owner) }

    /// Holds a request back when its owner has no room. One that takes the place of a pending one needs none.
    func holdBack(_ name: JobName, _ owner: UInt32) -> Bool {
        guard isLimited(owner), pending[name] == nil else { return false }
        // Others wait for it, and are counted with it already: held back, it would keep them waiting for ever. What it waits for itself is
        // not, and so that has an end.
        guard !pending.hasDependents(on: name) || pending.weight(of: owner) >= mostWithNeeded
        else {
            return false
        }
        let hasToQueue = heldBack.hasToQueue(name, of: owner)
        guard hasToQueue || room(of: owner) <= 0 else { return false }
        if heldBack.hold(name, of: owner) {
            let user = Users.name(of: owner)
            // Not among those that are limited in number: there are few users, and it is not told again soon.
            let message =
                "\(user) has \(pending.count(of: owner)) pending jobs, and \(configuration.maxPendingPerUser) is the most (--max-pending-per-user): \(name) and what \(user) drops after it waits in the spool as it is, and is accepted when there is room"
            if heldBack.isToBeTold(of: owner, at: Clock.monotonic()) {
                logger.warning("\(message)")
                feed.notice(message)
            }
        }
        show.isDirty = true
        return true
    }

    /// The same for one that need not even be read.
    func holdBackUnread(_ name: JobName) throws(SpoolError) -> Bool {
        guard let file = SpoolFile.request(name).fileName, let stat = try spool.root.stat(file) else { return false }
        let owner = origin(of: name, stat).owner
        guard isLimited(owner), let result = SpoolFile.result(name).fileName, try spool.root.stat(result) == nil
        else { return false }
        return holdBack(name, owner)
    }

    /// What a job waits for need not wait any more, though it came first.
    func letGo(whatIsNeededBy job: PendingJob) {
        for name in job.neededJobs where heldBack.contains(name) {
            if let file = SpoolFile.request(name).fileName { look(at: file) }
        }
    }

    /// Has those looked at again for which there is room.
    func lookAtHeldBack() {
        for owner in heldBack.owners {
            let room = room(of: owner)
            guard room > 0 else { continue }
            let (names, isMore) = heldBack.release(of: owner, room: room)
            for name in names {
                if let file = SpoolFile.request(name).fileName { look(at: file) }
            }
            if isMore { rescan(.timer) }
            if !names.isEmpty { show.isDirty = true }
        }
    }

    /// For `spool.status.json`.
    var heldBackJSON: JSON {
        .array(
            heldBack.owners.map { owner in
                let (count, isMore) = heldBack.count(of: owner)
                return [
                    "user": .string(Users.name(of: owner)), "pending": JSON(pending.count(of: owner)),
                    "limit": JSON(configuration.maxPendingPerUser), "held_back": JSON(count), "more": .bool(isMore),
                ]
            })
    }
}
