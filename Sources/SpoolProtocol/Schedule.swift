/// `NAME.schedule.json`: a request, and when it is to be dropped.
public import JSONText

public struct Schedule: Sendable, Equatable {
    public var timing: Timing
    public var request: Request
    /// The request as it was written: this is what is dropped.
    public var requestObject: JSONObject
    public var ifMissed: IfMissed
    public var description: String?

    public enum Timing: Sendable, Equatable {
        case off
        case every(seconds: Int64)
        /// - Parameter timeZone: a name of /usr/share/zoneinfo
        case cron(CronExpression, timeZone: String)
    }

    /// What becomes of slots that passed while nothing could be dropped.
    public enum IfMissed: String, Sendable, CaseIterable {
        /// Nothing.
        case skip
        /// One request, for the latest.
        case once
        /// A request for each of the last `SchedulePlan.mostMadeUpFor`.
        case all
    }

    /// The largest schedule file, in bytes.
    public static let maximumBytes = Request.maximumBytes
    public static let defaultTimeZone = "UTC"
    /// The longest name of a schedule, in bytes: the names of its jobs are longer by a slot's time.
    public static let maximumNameBytes = JobName.maximumBytes - "-20260107T133312Z".utf8.count
}

// MARK: - Slots

extension Schedule {
    /// The name of the job of a slot. It is the same for ever: no slot can have two.
    /// - Throws: `JobError` `INVALID_SCHEDULE` when the schedule's name is too long for it.
    public static func jobName(_ schedule: JobName, at slot: Timestamp) throws(JobError) -> JobName {
        do {
            return try JobName("\(schedule)-\(slot.compact)")
        } catch {
            throw JobError(
                .invalidSchedule,
                "the schedule's name has \(schedule.string.utf8.count) bytes, and its jobs' names add a time to it: shorten it to \(maximumNameBytes)"
            )
        }
    }

    /// The content of a slot's request file: to be read by people, if that does not make it too large.
    public var requestBytes: [UInt8] {
        let indented = JSON.object(requestObject).indented
        return indented.count <= Request.maximumBytes ? indented : JSON.object(requestObject).line
    }
}

extension Schedule {
    /// When its slots are.
    /// - Parameter zone: finds the rules of a time zone.
    public func slotRule(
        _ zone: (String) throws(JobError) -> TimeZoneRules
    ) throws(JobError) -> SlotRule {
        switch timing {
        case .off: .off
        case .every(let seconds): .every(seconds: seconds)
        case .cron(let expression, let name): .cron(CronSlots(expression, in: try zone(name)))
        }
    }
}

// MARK: - Reading

extension Schedule {
    /// Reads a schedule file's content.
    /// - Throws: `JobError` `INVALID_SCHEDULE`, with the same details as for a request. Whether the time zone exists is not
    ///   known here.
    public init(parsing bytes: [UInt8]) throws(JobError) {
        self = try ClientDocument.read(
            bytes, .invalidSchedule,
            example:
                "a schedule is an object such as {\"every_seconds\": 300, \"request\": {\"type\": \"documents.sync\"}}"
        ) { object throws(JSONFieldError) in try Schedule(decoding: object) }
    }

    init(decoding object: JSONObject) throws(JSONFieldError) {
        var fields = JSONFields(object)
        if let version = try fields.int("v"), version != Request.version {
            throw fields.wrong("v", "is \(version): this daemon knows version \(Request.version) only")
        }
        description = try fields.string("description")
        let every = try fields.int("every_seconds", in: 0...Int(Request.maximumSeconds))
        let cron = try fields.string("cron")
        let timeZone = try fields.string("time_zone")
        ifMissed = try fields.choice("if_missed") ?? .skip
        let requestMember = try fields.object("request")
        try fields.finish()
        timing = try Self.timing(every, cron, timeZone, fields)
        requestObject = try fields.require(
            requestMember, "request", "say what to drop, such as {\"type\": \"documents.sync\"}")
        request = try Request(decoding: requestObject, path: ["request"])
    }

    private static func timing(
        _ every: Int?, _ cron: String?, _ timeZone: String?, _ fields: JSONFields
    ) throws(JSONFieldError) -> Timing {
        switch (every, cron) {
        case (nil, nil):
            throw fields.wrong(
                "every_seconds",
                "is missing: say when, by `every_seconds` (0 is off) or by `cron` such as \"30 2 * * 1-5\"")
        case (.some, .some):
            throw fields.wrong("cron", "cannot stand beside `every_seconds`: remove one of them")
        case (let seconds?, nil):
            if timeZone != nil {
                throw fields.wrong(
                    "time_zone", "belongs to `cron`: `every_seconds` is the same in every zone; remove it")
            }
            return seconds == 0 ? .off : .every(seconds: Int64(seconds))
        case (nil, let text?):
            do {
                return .cron(try CronExpression(text), timeZone: timeZone ?? defaultTimeZone)
            } catch {
                throw fields.wrong("cron", "is no cron expression: \(error)")
            }
        }
    }
}
