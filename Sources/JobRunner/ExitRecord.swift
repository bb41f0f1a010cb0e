/// What the supervisor wrote into `exit.json`.
import JSONText
import SpoolProtocol

struct ExitRecord: Equatable {
    var end: AttemptEnd
    var finishedAt: Timestamp
    /// Processes that the handler had left running and that were stopped.
    var leftBehind: Int

    var json: JSON {
        var object: JSONObject = [
            "finished_at": .string(finishedAt.description), "left_behind": JSON(leftBehind),
        ]
        switch end {
        case .exited(let status): object["exit_status"] = JSON(status)
        case .signalled(let signal): object["signal"] = JSON(signal)
        case .notStarted(let error): object["not_started"] = error.json
        case .vanished: break
        }
        return .object(object)
    }

    init(end: AttemptEnd, finishedAt: Timestamp, leftBehind: Int) {
        self.end = end
        self.finishedAt = finishedAt
        self.leftBehind = leftBehind
    }

    init?(json: JSON) {
        guard let finishedAt = json["finished_at"]?.string.flatMap(Timestamp.init) else { return nil }
        self.finishedAt = finishedAt
        leftBehind = json["left_behind"]?.int ?? 0
        if let status = json["exit_status"]?.int {
            end = .exited(status)
        } else if let signal = json["signal"]?.int {
            end = .signalled(signal)
        } else if let error = JobError(json: json["not_started"]) {
            end = .notStarted(error)
        } else {
            return nil
        }
    }
}
