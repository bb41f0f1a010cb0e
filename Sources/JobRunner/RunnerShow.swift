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
    var trouble: String?
    var troubleAt: Timestamp?
    var intake: IntakeMode?
    var intakeReason: String?
}

extension Runner {
    enum DaemonState: String { case running, stopping, stopped }

    private static let interval = 0.2

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
            try spool.publish(spoolStatus(state), as: .spoolStatus, .process)
            show.isDirty = false
        } catch {
            // Without `tell`, which would make it dirty again: this file is written anew with the next change.
            logger.error("\(error)")
        }
    }

    private func spoolStatus(_ state: DaemonState) -> JSON {
        var daemon = configuration.identity.json.object ?? [:]
        daemon["state"] = .string(state.rawValue)
        let waits = Dictionary(grouping: pending.values, by: \.lane)
        let laneNames = Set(lanes.keys).union([Definition.defaultLane]).sorted()
        return [
            "v": 1, "updated_at": .string(Clock.now().description), "daemon": .object(daemon),
            "intake": ["mode": JSON(show.intake?.rawValue), "reason": JSON(show.intakeReason)],
            "lanes": .object(
                JSONObject(
                    laneNames.map { lane in
                        (
                            lane,
                            ["running": JSON(lanes[lane]?.busy?.string), "queued": JSON(waits[lane]?.count ?? 0)]
                        )
                    })),
            "pending": JSON(pending.count), "running": JSON(running.count),
            "oldest_pending": JSON(pending.values.map(\.createdAt).min()?.description),
            "finished_since_start": .object(
                JSONObject(Standing.allCases.filter(\.isOver).map { ($0.rawValue, JSON(totals[$0] ?? 0)) })),
            "last_sequence": JSON(numbers.last), "trouble": JSON(show.trouble),
            "trouble_at": JSON(show.troubleAt?.description),
            "types": .object(JSONObject(summaries.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) })),
        ]
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
