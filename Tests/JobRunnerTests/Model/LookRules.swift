/// Whether what is seen when nothing moves is what must be.
import JSONText
import SpoolProtocol

@testable import JobRunner

extension ReferenceModel {
    /// Looks at everything, and takes over what has been seen.
    mutating func look(_ seen: Seen) throws {
        for family in seen.families.values { if let status = family.status { _ = try meet(status) } }
        expectReplacement()
        for name in ScenarioGenerator.names { try lookAt(name, seen) }
        try lookForTheMissing(seen)
        for name in ScenarioGenerator.names { try checkFeed(name, seen) }
        let known = Set(jobs.values.filter(\.isOpen).map(\.id))
        if let stranger = seen.attemptDirectories.first(where: { !known.contains($0) }) {
            throw Violation("the files of an attempt of \(stranger) are left")
        }
        takeOver(seen)
        try checkLanes(seen)
    }

    private mutating func lookAt(_ name: JobName, _ seen: Seen) throws {
        guard let family = seen.families[name], let state = names[name] else { return }
        let alive = seen.alive.filter { $0.name == name }
        try family.check(name, isAlive: !alive.isEmpty)
        if let status = family.status, let job = jobs[status.identity.jobID] {
            if alive.contains(where: { $0.jobID != job.id }) {
                throw Violation("an attempt of \(name) is alive that is not its job's")
            }
            try checkPosition(job, family, seen)
            try checkLines(job, family)
        } else if !alive.isEmpty {
            throw Violation("an attempt of \(name) is alive, which has no status")
        }
        try checkRequest(name, state, family, seen)
        try checkCancel(name, state, family, seen)
    }

    // MARK: One job

    /// How it is over, or that it is not, must follow from its attempts and from what was done to it.
    private mutating func checkPosition(_ job: ModelJob, _ family: Family, _ seen: Seen) throws(Violation) {
        let position = try job.position()
        if let result = family.result {
            let over = Over(result)
            if job.wasOver {
                if over != job.over {
                    throw Violation("\(job.name) was \(job.over.map { "\($0)" } ?? "replaced"); now it is \(over)")
                }
                return
            }
            if !position.overs.contains(over) {
                try checkEndOfWaiting(job, over, result, canWait: !position.waits.isEmpty, seen)
            }
            if result.attempts.count != job.attempts.count {
                throw Violation(
                    "\(job.name) had \(job.attempts.count) attempts; its result tells of \(result.attempts.count)")
            }
            if result.status.joined == nil, result.errorsTotal != job.itemErrors.count {
                throw Violation("\(job.name) had \(job.itemErrors.count) errors, not \(result.errorsTotal)")
            }
        } else if job.isAlive {
            if family.status?.attempt != job.attempts.count {
                throw Violation("\(job.name) shows attempt \(family.status?.attempt ?? 0), not \(job.attempts.count)")
            }
        } else {
            if position.waits.isEmpty {
                throw Violation("\(job.name) waits; it should be over: \(position.overs)")
            }
            try checkWaiting(job, position, family.status?.waitingFor)
        }
        if family.result == nil { try checkTurn(job, job.isAlive ? nil : family.status?.waitingFor, seen) }
    }

    private func checkWaiting(_ job: ModelJob, _ position: ModelJob.Position, _ waiting: Waiting?) throws(Violation) {
        guard case .retry(let time)? = waiting else {
            // When that wait is over it says that it waits for its turn.
            let failures = position.waits.map(\.spent.failures).min() ?? 1
            if position.waits.allSatisfy(\.isRetry), let ended = job.attempts.last?.endedAt,
                latest < ended.lowerBound.adding(seconds: Self.backoff(failures))
            {
                throw Violation("\(job.name) has to wait before its next attempt, and does not say so")
            }
            return
        }
        // An attempt that a dying daemon had made files for, and had not started: it is tried again a second later.
        if hasDied, time <= latest.adding(seconds: 1) { return }
        guard let ended = job.attempts.last?.endedAt, position.waits.contains(where: \.isRetry) else {
            throw Violation("\(job.name) waits until \(time) for another attempt, without reason")
        }
        let failures = position.waits.map(\.spent.failures)
        let shortest = Self.backoff(failures.min() ?? 1)
        let longest = Self.backoff(job.attempts.count)
        if !(ended.lowerBound.adding(seconds: shortest)...ended.upperBound.adding(seconds: longest)).contains(time) {
            throw Violation(
                "\(job.name) waits until \(time); it failed at \(ended), the backoff is \(shortest) to \(longest) s")
        }
    }

    /// Whether a job may have ended like this without an attempt's end to say so.
    private func checkEndOfWaiting(
        _ job: ModelJob, _ over: Over, _ result: JobResult, canWait: Bool, _ seen: Seen
    ) throws(Violation) {
        let wrong = Violation("\(job.name) is \(over), which it should not be: \(result.status.message)")
        guard canWait else { throw wrong }
        let isWithdrawn = job.goneSince.map { seen.monotonic - $0 >= Self.settleSeconds } ?? false
        let isReplaced = !job.attempts.isEmpty && (job.isOutdated || names[job.name]?.hasChanged ?? false)
        let isSettled = seen.monotonic - job.version.putAt >= Self.settleSeconds
        let isRight =
            switch job.asked.form {
            case .whole:
                over == .cancelled && (job.mayBeCancelled || isWithdrawn || isReplaced)
                    || mayEnd(job, over, result, seen)
            case .torn: over == .rejected(.invalidRequest) && isSettled
            case .unknownField: over == .rejected(.invalidRequest)
            case .unknownType: over == .rejected(.unknownType)
            }
        if !isRight { throw wrong }
    }

    /// No line that its handlers said is lost, none doubled.
    private func checkLines(_ job: ModelJob, _ family: Family) throws(Violation) {
        let isWhole = family.result != nil
        for (what, said, found) in [
            ("log", job.logged, family.logged), ("errors", job.itemErrors, family.itemErrors),
        ] where !(isWhole ? said == found : said.starts(with: found)) {
            throw Violation("the \(what) of \(job.name) has \(found); its handlers said \(said)")
        }
    }

    // MARK: Request and cancel file

    /// A request that must have been seen is what its job is for, unless an attempt for an older one is alive.
    private func checkRequest(
        _ name: JobName, _ state: NameState, _ family: Family, _ seen: Seen
    ) throws(Violation) {
        guard isServed, state.isNoticed, !seen.alive.contains(where: { $0.name == name }) else { return }
        let isOpen = family.status != nil && family.result == nil
        let hasSettled = hasSettled(state, seen)
        guard let file = state.file else {
            if isOpen, hasSettled { throw Violation("\(name) waits although its request was deleted") }
            return
        }
        if !hasSettled { return }
        guard let status = family.status else { throw Violation("\(name) was dropped, and there is no job") }
        if status.request != file.fingerprint { throw Violation("\(name) has a newer request than its job is for") }
        if file.asked.form != .whole, isOpen { throw Violation("\(name) is no request, and is not rejected") }
    }

    func hasSettled(_ state: NameState, _ seen: Seen) -> Bool {
        switch state.file?.asked.form {
        case .whole, .unknownField, .unknownType: true
        case .torn, nil: state.settlesFrom.map { seen.monotonic - $0 >= Self.settleSeconds } ?? false
        }
    }

    /// Whether another version than that of a status is still being written.
    private func isWritingNext(_ state: NameState, _ status: JobStatus, _ seen: Seen) -> Bool {
        guard let file = state.file, file.asked.form == .torn else { return false }
        return file.fingerprint != status.request && !hasSettled(state, seen)
    }

    private func checkCancel(
        _ name: JobName, _ state: NameState, _ family: Family, _ seen: Seen
    ) throws(Violation) {
        if state.cancel == .none, family.isCancelled,
            !jobs.values.contains(where: { $0.name == name && mayBeReplaced($0) })
        {
            throw Violation("a cancel file of \(name) has come")
        }
        if state.cancel != .none, !family.isCancelled, let id = state.current, let job = jobs[id], job.isOpen,
            family.jobID == id, family.result == nil
        {
            throw Violation("the cancel file of \(name) has gone, and the job is not over")
        }
        guard isServed, state.cancel == .noticed, family.isCancelled else { return }
        if let attempt = seen.alive.first(where: { $0.name == name }) {
            if !attempt.hasOrder { throw Violation("\(name) was cancelled, and its attempt was not asked to stop") }
        } else if family.status.map({ family.result == nil && !isWritingNext(state, $0, seen) }) ?? false
            || state.isNoticed && hasSettled(state, seen)
        {
            // One that comes before its request, or while the next version is being written, waits for that.
            throw Violation("\(name) was cancelled, and nothing came of it")
        }
    }

    // MARK: All jobs

    /// Jobs whose files have gone: they are in the archive, or a newer request replaced them while they waited.
    private mutating func lookForTheMissing(_ seen: Seen) throws {
        let current = Set(seen.families.values.compactMap(\.jobID))
        let missing = jobs.values.filter { !current.contains($0.id) }
        if missing.isEmpty { return }
        let archived = Dictionary(grouping: try seen.archived(), by: \.status.identity.jobID)
        for job in missing {
            if archived[job.id]?.count ?? 0 > 1 { throw Violation("\(job.id) is in the archive more than once") }
            if let result = archived[job.id]?.first {
                let family = Family(
                    status: result.status, result: result, logged: job.logged, itemErrors: job.itemErrors)
                if job.isOpen { try checkPosition(job, family, seen) }
                jobs[job.id]?.over = Over(result)
            } else {
                guard job.isOutdated || names[job.name]?.hasChanged ?? false, try !job.position().waits.isEmpty,
                    !job.isAlive
                else { throw Violation("job \(job.id) of \(job.name) is lost") }
            }
            jobs[job.id]?.isOpen = false
            jobs[job.id]?.wasLookedAt = true
        }
    }

    /// A job that wants to replace others may have cancelled them.
    private mutating func expectReplacement() {
        for job in jobs.values where job.isOpen && mayBeReplaced(job) {
            jobs[job.id]?.mayBeCancelled = true
            if let story = job.attempts.last, !story.isConcluded, story.cancel == .no {
                jobs[job.id]?.attempts[job.attempts.count - 1].cancel = .possible
            }
        }
    }

    private func checkFeed(_ name: JobName, _ seen: Seen) throws(Violation) {
        guard let family = seen.families[name] else { return }
        let isAlive = seen.alive.contains { $0.name == name }
        let right = family.jobID.map {
            FeedReader.Told(
                jobID: $0, standing: family.result?.status.standing ?? (isAlive ? .running : .pending))
        }
        if let right, seen.feed[name] != right {
            throw Violation("the feed says of \(name): \(seen.feed[name].map { "\($0)" } ?? "nothing"), not \(right)")
        }
    }

    /// A lane that could be at work is.
    private func checkLanes(_ seen: Seen) throws(Violation) {
        guard isServed, pause == .none, !pauseIsUncertain else { return }
        let busy = Set(seen.alive.compactMap { jobs[$0.jobID]?.asked.type.lane })
        guard busy.count < maxLanes else { return }
        for job in queued where !busy.contains(job.lane) && job.readyAt.map({ $0 <= seen.now }) ?? true {
            throw Violation("\(job.name) waits although its lane, \(job.lane), is free")
        }
    }

    private mutating func takeOverTurn(_ id: String, _ family: Family, isAlive: Bool, _ seen: Seen) {
        jobs[id]?.wasLookedAt = true
        jobs[id]?.waiting = family.result == nil && !isAlive ? family.status?.waitingFor : nil
        switch jobs[id]?.waiting {
        case nil, .retry: jobs[id]?.isAdmitted = family.result == nil
        case .time, .jobs, .join: jobs[id]?.isAdmitted = false
        }
        for name in jobs[id]?.asked.after ?? [] where need(name, seen) == .completed { jobs[id]?.met.insert(name) }
    }

    /// What has been seen is where the next look starts from.
    private mutating func takeOver(_ seen: Seen) {
        queued = []
        started = []
        for (name, family) in seen.families {
            guard var state = names[name] else { continue }
            let isAlive = seen.alive.contains { $0.name == name }
            state.current = family.jobID
            if let id = family.jobID {
                jobs[id]?.isOpen = family.result == nil
                jobs[id]?.over = family.result.map(Over.init)
                takeOverTurn(id, family, isAlive: isAlive, seen)
                if let index = jobs[id]?.attempts.indices.last, jobs[id]?.attempts[index].ending != nil {
                    jobs[id]?.attempts[index].isConcluded = true
                }
                if state.wasCancelled || state.cancel != .none { jobs[id]?.mayBeCancelled = true }
            }
            if !family.isCancelled {
                state.cancel = .none
            } else if state.cancel == .none {
                state.cancel = .noticed
            }
            state.cancelBinds = state.cancel == .noticed
            state.hasChanged = false
            state.wasGone = false
            state.wasCancelled = false
            if isServed, state.isNoticed, !isAlive, state.settlesFrom == nil { state.settlesFrom = seen.monotonic }
            names[name] = state
            guard let status = family.status, family.result == nil, !isAlive, state.isNoticed,
                let file = state.file, file.asked.form == .whole, file.fingerprint == status.request
            else { continue }
            var readyAt: Timestamp?
            switch status.waitingFor {
            case nil: break
            case .retry(let time): readyAt = time
            case .time, .jobs, .join: continue
            }
            queued.append(
                Queued(
                    id: status.identity.jobID, name: name, lane: file.asked.type.lane,
                    priority: file.asked.priority, sequence: status.identity.sequence, readyAt: readyAt))
        }
        lastSequence = jobs.values.map(\.sequence).max() ?? 0
    }
}
