/// Files that may still be being written, and requests that have gone, which an editor may be about to write anew: they get the settling time.
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// It is not waited for any longer, and others need not wait for it.
    func settles(_ name: JobName) {
        guard settling[name] != nil else { return }
        settling[name] = nil
        recheckDependents(on: name)
    }

    /// What keeps it from being read, such as a lease, may pass any time.
    func lookAgainSoon(atParked name: JobName, _ stat: FileStat) {
        guard parked.contains(name) || pending[name]?.turn.isKnown == false, hasSettled(name, stat) else { return }
        settling[name] = nil
        _ = hasSettled(name, stat)
    }

    /// Whether the file has been as it is for the settling time; until then it is looked at again.
    func hasSettled(_ name: JobName, _ stat: FileStat?) -> Bool { hasSettled(name, stat, in: &settling) }

    func hasSettled<Name>(_ name: Name, _ stat: FileStat?, in files: inout SettlingFiles<Name>) -> Bool {
        let now = Clock.monotonic()
        if files.hasSettled(name, stat, for: configuration.settleSeconds, now: now) { return true }
        wake(at: now + configuration.settleSeconds)
        return false
    }

    func lookAtSettled() {
        for name in due(settling) {
            if let file = SpoolFile.request(name).fileName { look(at: file) }
        }
        for file in due(unsettled) { look(at: file) }
    }

    /// Those whose settling time is over.
    func due<Name>(_ files: SettlingFiles<Name>) -> [Name] {
        let due = files.due(after: configuration.settleSeconds, now: Clock.monotonic())
        if let next = due.next { wake(at: next) }
        return due.names
    }

    /// A pending request that is deleted is withdrawn; an editor that deletes and writes anew gets the settling time for it.
    func requestIsGone(_ name: JobName) throws(SpoolError) {
        guard let job = pending[name] else {
            // A cancel that waited for it has nothing left to wait for.
            let wasAwaited = settling[name] != nil
            settling[name] = nil
            if wasAwaited, let cancel = SpoolFile.cancel(name).fileName { look(at: cancel) }
            forgetNote(of: name)
            recheckDependents(on: name)
            return
        }
        guard hasSettled(name, nil) else { return }
        settling[name] = nil
        try finishPending(job, .cancelled, "Withdrawn: the request was deleted", error: nil)
    }
}
