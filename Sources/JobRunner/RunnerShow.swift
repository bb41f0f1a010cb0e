/// `spool.status.json`: the spool now. Written when something has changed, at most five times a second.
import Logging
import JSONText
package import SpoolProtocol
import SpoolStorage

/// What the runner keeps for showing alone.
struct ShowState {
    var isDirty = true
    /// CLOCK_MONOTONIC, seconds.
    var due = 0.0
    var trouble: SpoolError?
    var troubleAt: Timestamp?
    /// CLOCK_MONOTONIC, seconds.
    var troubleLoggedAt = -Double.infinity
    var intake: IntakeMode?
    var intakeReason: String?
    /// Why the file could not be written the last time.
    var failure: SpoolError?
}

extension Runner {
    enum DaemonState: String { case running, stopping, stopped }

    private static let interval = 0.2
    /// After a failure, in seconds.
    private static let patience = 5.0

    /// How new files are heard of, to be shown.
    package func setIntake(_ mode: IntakeMode, reason: String?) {
        show.intake = mode
        show.intakeReason = reason
        show.isDirty = true
        mailbox.put(.tick)
    }

    func showIfDue() {
        guard show.isDirty else { return }
        let now = Clock.monotonic()
        if now >= show.due {
            showSpool(as: stopping == nil ? .running : .stopping)
        } else {
            wake(at: show.due)
        }
    }

    func showSpool(as state: DaemonState) {
        show.due = Clock.monotonic() + Self.interval
        do throws(SpoolError) {
            do throws(SpoolError) {
                try spool.publish(spoolStatus(state), as: .spoolStatus, .process)
            } catch {
                guard error.isOutOfSpace, let file = SpoolFile.spoolStatus.fileName else { throw error }
                beginShortage(error)
                // Once. That it is full is what people must hear of.
                try spool.publishFromReserve(spoolStatus(state).indented, as: file)
            }
            show.isDirty = false
            show.failure = nil
        } catch {
            // Without `tell`, which would let everything else wait. Told once, for it is tried again and again.
            show.due = Clock.monotonic() + Self.patience
            if !error.repeats(show.failure) { logger.error("\(error)") }
            show.failure = error
        }
    }

    private func spoolStatus(_ state: DaemonState) -> JSON {
        var daemon = configuration.identity.json.object ?? [:]
        daemon["state"] = .string(state.rawValue)
        let laneNames = Set(lanes.keys).union([Definition.defaultLane]).sorted()
        return [
            "v": 1, "updated_at": .string(Clock.now().description), "daemon": .object(daemon),
            "intake": ["mode": JSON(show.intake?.rawValue), "reason": JSON(show.intakeReason)],
            "lanes": .object(
                JSONObject(
                    laneNames.map { lane in
                        let count = pending.count(inLane: lane)
                        return (
                            lane,
                            [
                                "running": JSON(lanes[lane]?.running.first?.string), "queued": JSON(count.queued),
                                "waiting": JSON(count.waiting),
                            ]
                        )
                    })),
            "max_lanes": JSON(configuration.maxLanes), "paused": shownPause?.json ?? .null,
            "disk_full": .bool(shortage != nil),
            "held_back": heldBackJSON, "pending": JSON(pending.count), "running": JSON(running.count),
            "oldest_pending": JSON(pending.oldest()?.createdAt.description),
            "finished_since_start": .object(
                JSONObject(Standing.allCases.filter(\.isOver).map { ($0.rawValue, JSON(totals[$0] ?? 0)) })),
            "last_sequence": JSON(numbers.last), "trouble": JSON(show.trouble?.description),
            "trouble_at": JSON(show.troubleAt?.description), "schedules": schedules.summary,
            "types": .object(JSONObject(shownTypes)),
        ]
    }

    /// Every type that there is or that has run.
    private var shownTypes: [(String, JSON)] {
        let idle = Dictionary(uniqueKeysWithValues: knownTypes.map { ($0, TypeSummary()) })
        let summaries = summaries.merging(idle) { summary, _ in summary }
        return summaries.sorted { $0.key < $1.key }.map { type, summary in
            var shown = summary.json.object ?? [:]
            shown["problem"] = JSON(typeProblems.types[type])
            return (type, .object(shown))
        }
    }

    /// Types come and go with their files. What is wrong with one is told when it is seen, not only when a job is to run.
    func lookAtTypes() {
        do throws(SpoolError) {
            let types = try catalog.names()
            let names = types.map(\.string)
            let problems = try catalog.problems(of: types)
            if names == knownTypes, problems == typeProblems { return }
            for problem in problems.news(since: typeProblems) { logger.warning("\(problem)") }
            knownTypes = names
            typeProblems = problems
            show.isDirty = true
        } catch {
            // A request of a type is where this matters; it says so itself.
            logger.warning("\(error)")
        }
    }

    /// The last runs of the types, from what an earlier daemon showed.
    func restoreSummaries() {
        do throws(SpoolError) {
            for (type, summary) in try spool.readOwn(.spoolStatus)?["types"]?.object?.members ?? [] {
                summaries[type] = TypeSummary(json: summary)
            }
        } catch {
            tell(error)
        }
    }
}
