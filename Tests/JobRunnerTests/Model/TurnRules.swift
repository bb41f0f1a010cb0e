/// Whose turn it is: `not_before`, `after` and `on_busy`. They are decided when nobody looks; what is judged is whether the
/// decision can have been right, and whether one was due.
import JSONText
import SpoolProtocol

@testable import JobRunner

extension ReferenceModel {
    // MARK: Jobs that wait

    /// Whether a job may wait for what it says it waits for.
    func checkTurn(_ job: ModelJob, _ waiting: Waiting?, _ seen: Seen) throws(Violation) {
        switch waiting {
        case .time(let time): try checkTime(job, time, seen)
        case .jobs(let needed, let unknown): try checkNeeds(job, needed, unknown, seen)
        case .join(let target): try checkJoin(job, target, seen)
        case nil, .retry: try checkAdmission(job, seen)
        }
    }

    private func checkTime(_ job: ModelJob, _ time: Timestamp, _ seen: Seen) throws(Violation) {
        guard time == job.version.notBefore, job.attempts.isEmpty else {
            throw Violation("\(job.name) waits until \(time) without reason")
        }
        if time <= seen.now { throw Violation("\(job.name) waits until \(time), which is over") }
    }

    private func checkNeeds(
        _ job: ModelJob, _ needed: [JobName], _ unknown: [JobName], _ seen: Seen
    ) throws(Violation) {
        let what = "\(job.name) waits for \(needed)"
        guard job.attempts.isEmpty, needed.allSatisfy(job.asked.after.contains) else {
            throw Violation("\(what) without reason")
        }
        if reaches(job.name, from: needed, by: { waitsNow($0, seen) }) { throw Violation("\(what) in a circle") }
        for name in job.asked.after where !isUnsettled(name, seen) {
            let isWaitedFor = needed.contains(name)
            switch need(name, seen) {
            case .completed where isWaitedFor: throw Violation("\(what), although \(name) has completed")
            // One that has completed is not waited for any more, whatever becomes of a later run.
            case .ended where isWaitedFor || !job.met.contains(name):
                throw Violation("\(what), although \(name) has ended otherwise")
            case .unknown where !unknown.contains(name) && isWaitedFor:
                throw Violation("\(what) and does not say that \(name) is unknown")
            case .underWay where unknown.contains(name), .underWay where !isWaitedFor && !wasMet(job, name),
                .unknown where !isWaitedFor && !wasMet(job, name):
                throw Violation("\(what) (unknown: \(unknown)) although \(name) is under way")
            case .completed, .ended, .underWay, .unknown, .uncertain: break
            }
        }
    }

    private func checkJoin(_ job: ModelJob, _ target: JobReference, _ seen: Seen) throws(Violation) {
        let what = "\(job.name) waits for the result of \(target.name)"
        guard job.asked.onBusy == .join, job.attempts.isEmpty, target.jobID != job.id else {
            throw Violation("\(what) without reason")
        }
        guard let other = jobs[target.jobID], seen.families[target.name]?.jobID == target.jobID,
            seen.families[target.name]?.result == nil
        else { throw Violation("\(what), which is over") }
        if !asksForTheSame(job, other) { throw Violation("\(what), which does something else") }
    }

    /// A job in its queue or at work must have been let in: by what was there when everything was last looked at and still is.
    private func checkAdmission(_ job: ModelJob, _ seen: Seen) throws(Violation) {
        guard !job.isAdmitted, names[job.name]?.hasChanged == false || job.wasMetNow,
            names[job.name]?.file?.fingerprint == job.version.fingerprint
        else { return }
        for other in jobs.values where other.id != job.id && other.isOpen && other.wasLookedAt {
            guard names[other.name]?.hasChanged == false, !other.mayBeCancelled,
                seen.families[other.name]?.jobID == other.id, seen.families[other.name]?.result == nil
            else { continue }
            switch job.asked.onBusy {
            case .reject where other.isAdmitted && other.asked.type.lane == job.asked.type.lane:
                throw Violation("\(job.name) is in a lane with \(other.name): it should be rejected")
            // What a request asked for is forgotten when daemon and request have gone.
            case .join where other.isAdmitted && asksForTheSame(job, other) && !other.workIsForgotten:
                throw Violation("\(job.name) does not wait for the result of \(other.name)")
            case .replace
            where other.asked.type == job.asked.type && !(seen.families[other.name]?.isCancelled ?? false):
                throw Violation("\(job.name) has not replaced \(other.name)")
            case nil, .queue, .reject, .join, .replace: break
            }
        }
    }

    // MARK: Jobs that are over without having run

    /// Whether a request or a job may have ended by what decides its turn.
    func mayEnd(_ job: ModelJob, _ over: Over, _ result: JobResult, _ seen: Seen) -> Bool {
        guard job.attempts.isEmpty, job.asked.form == .whole else { return false }
        let error = result.status.error
        switch (over.standing, over.code) {
        case (.rejected, JobError.Code.busy.rawValue):
            return job.asked.onBusy == .reject && hadCompany(job)
                && error?.details["job_id"]?.string.flatMap { jobs[$0] }?.asked.type.lane ?? job.asked.type.lane
                    == job.asked.type.lane
        case (.rejected, JobError.Code.dependencyFailed.rawValue):
            return reaches(job.name, from: job.asked.after) { name in
                waitsNow(name, seen) + waited(name) + (isUncertain(name) ? asked(name) : [])
            }
        case (.failed, JobError.Code.dependencyFailed.rawValue):
            return job.asked.after.contains { name in
                isUncertain(name) || [.ended, .uncertain].contains(need(name, seen))
                    || seen.families[name]?.jobID != names[name]?.current
            }
        default: break
        }
        guard let target = result.status.joined, job.asked.onBusy == .join, let other = jobs[target.jobID],
            asksForTheSame(job, other)
        else { return false }
        let known = seen.families[target.name].flatMap { $0.jobID == target.jobID ? $0.result : nil }.map(Over.init)
        return (known ?? other.over).map { $0 == over } ?? isUncertain(target.name)
    }

    /// Whether a job that wants to replace others may have cancelled this one since everything was last looked at.
    func mayBeReplaced(_ job: ModelJob) -> Bool {
        jobs.values.contains { other in
            other.id != job.id && other.asked.onBusy == .replace && other.asked.type == job.asked.type
                && other.asked.form == .whole && !other.isAdmitted && !other.wasOver
        } || hasDied && names.values.contains { mayHaveReplaced(job, as: $0) }
    }

    /// A daemon may have died between what a request does to others and its acceptance; then it may have been changed before the next
    /// one saw it.
    private func mayHaveReplaced(_ job: ModelJob, as name: NameState) -> Bool {
        name.versions.values.contains { version in
            version.asked.onBusy == .replace && version.asked.type == job.asked.type && version.asked.form == .whole
                && !jobs.values.contains { $0.version.fingerprint == version.fingerprint }
        }
    }

    /// Whether there was somebody else in the lane of a job that has been rejected.
    private func hadCompany(_ job: ModelJob) -> Bool {
        jobs.values.contains { other in
            other.id != job.id && other.asked.type.lane == job.asked.type.lane && other.asked.form == .whole
                && !other.wasOver && (other.isAdmitted || !other.wasLookedAt || other.wasMetNow || other.waiting != nil)
        }
    }

    private func asksForTheSame(_ a: ModelJob, _ b: ModelJob) -> Bool {
        a.asked.type == b.asked.type && a.asked.work == b.asked.work
    }

    // MARK: Needs

    enum Need {
        case unknown, underWay, completed, ended
        /// Its last run is in the archive, with others that ended otherwise at the same time.
        case uncertain
    }

    /// How a name stands that somebody names in `after`.
    func need(_ name: JobName, _ seen: Seen) -> Need {
        guard let family = seen.families[name] else { return .unknown }
        if family.status != nil, family.result == nil { return .underWay }
        if let file = names[name]?.file, file.fingerprint != family.result?.status.request { return .underWay }
        let last = family.result.map { [$0] } ?? lastArchived(name, seen)
        let needs = Set(last.map { $0.status.standing == .completed ? Need.completed : .ended })
        return needs.count > 1 ? .uncertain : needs.first ?? .unknown
    }

    /// The runs that ended last of those that have gone to the archive: a daemon may have died before it took in the next one.
    private func lastArchived(_ name: JobName, _ seen: Seen) -> [JobResult] {
        do {
            let all = try seen.archived().filter { $0.status.identity.name == name }
            let last = all.compactMap(\.status.finishedAt).max()
            return all.filter { $0.status.finishedAt == last }
        } catch {
            return []
        }
    }

    /// What a name was is not to be known now.
    private func isUncertain(_ name: JobName) -> Bool {
        (names[name]?.hasChanged ?? true) || jobs.values.contains { $0.name == name && !$0.wasLookedAt }
    }

    /// The daemon need not have seen how the name stands.
    private func isUnsettled(_ name: JobName, _ seen: Seen) -> Bool {
        guard let state = names[name] else { return true }
        return !state.isNoticed || !hasSettled(state, seen)
    }

    private func wasMet(_ job: ModelJob, _ name: JobName) -> Bool {
        job.met.contains(name) || job.mayBeMet.contains(name) || isUncertain(name)
    }

    private func waitsNow(_ name: JobName, _ seen: Seen) -> [JobName] {
        guard let family = seen.families[name], family.result == nil else { return [] }
        if case .jobs(let needed, _)? = family.status?.waitingFor { return needed } else { return [] }
    }

    private func waited(_ name: JobName) -> [JobName] {
        guard let id = names[name]?.current, case .jobs(let needed, _)? = jobs[id]?.waiting else { return [] }
        return needed
    }

    private func asked(_ name: JobName) -> [JobName] { names[name]?.versions.values.flatMap(\.asked.after) ?? [] }

    private func reaches(_ name: JobName, from start: [JobName], by next: (JobName) -> [JobName]) -> Bool {
        var open = start
        var known: Set<JobName> = []
        while let other = open.popLast() {
            if other == name { return true }
            if known.insert(other).inserted { open += next(other) }
        }
        return false
    }
}
