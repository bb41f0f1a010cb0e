/// `on_busy`: every policy with everything that may be in a lane.
import JSONText
import SpoolProtocol
import Testing

@Suite("on_busy")
struct AdmissionTests {
    static func job(_ name: String, started: Bool = false) -> JobReference {
        do {
            return JobReference(
                name: try JobName(name), jobID: "id-\(name)",
                startedAt: started ? Timestamp(milliseconds: 1_767_792_792_000) : nil)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    static let everything = LaneFacts(
        holder: job("holder", started: true), equal: job("equal"), sameType: [job("one", started: true), job("two")])

    @Test("lets a job into a lane where nothing stands in its way", arguments: OnBusy.allCases)
    func free(policy: OnBusy) { #expect(policy.admission(LaneFacts()) == .queue) }

    @Test("queue waits for its turn whatever there is")
    func queue() { #expect(OnBusy.queue.admission(Self.everything) == .queue) }

    @Test("reject ends with BUSY, which names the job that runs, its job_id and when it started")
    func rejectRunning() throws {
        let admission = OnBusy.reject.admission(Self.everything)
        guard case .reject(let error) = admission else {
            Issue.record("\(admission)")
            return
        }
        #expect(error.code == "BUSY")
        #expect(error.message.contains("holder runs since 2026-01-07T13:33:12.000Z"))
        #expect(
            error.details == [
                "name": "holder", "job_id": "id-holder", "started_at": "2026-01-07T13:33:12.000Z",
            ])
    }

    @Test("reject names the next in the queue when nothing runs")
    func rejectQueued() throws {
        let admission = OnBusy.reject.admission(LaneFacts(holder: Self.job("next")))
        guard case .reject(let error) = admission else {
            Issue.record("\(admission)")
            return
        }
        #expect(error.details["started_at"] == .null)
        #expect(error.message.contains("next is queued"))
    }

    @Test("join takes the result of the equal job, and replace cancels all of its type")
    func others() {
        #expect(OnBusy.join.admission(Self.everything) == .join(Self.job("equal")))
        #expect(
            OnBusy.replace.admission(Self.everything) == .replace([Self.job("one", started: true), Self.job("two")]))
    }
}

@Suite("Requests that ask for the same")
struct EqualWorkTests {
    private func request(_ text: String) throws -> Request { try Request(parsing: Array(text.utf8)) }

    @Test(
        "have the same type, params and dry_run, in whatever order and with whatever else",
        arguments: [
            #"{"type":"t","params":{"a":1,"b":{"x":[1,2],"y":null}}}"#,
            #"{"params":{"b":{"y":null,"x":[1,2]},"a":1},"type":"t","priority":5,"description":"d","labels":{"a":"b"}}"#,
            #"{"type":"t","dry_run":false,"params":{"a":1,"b":{"x":[1,2],"y":null}},"on_busy":"join"}"#,
        ])
    func equal(text: String) throws {
        let first = try request(#"{"type":"t","params":{"a":1,"b":{"x":[1,2],"y":null}}}"#)
        let second = try request(text)
        #expect(first.asksForTheSame(as: second))
        #expect(first.workHash == second.workHash)
    }

    @Test(
        "are told from those that do not",
        arguments: [
            #"{"type":"u","params":{"a":1}}"#, #"{"type":"t","params":{"a":2}}"#, #"{"type":"t"}"#,
            #"{"type":"t","params":{"a":1},"dry_run":true}"#, #"{"type":"t","params":{"a":"1"}}"#,
            #"{"type":"t","params":{"a":1,"b":null}}"#, #"{"type":"t","params":{"a":[1]}}"#,
            #"{"type":"t","params":{"ä":1}}"#, #"{"type":"t","params":{"a":true}}"#,
        ])
    func different(text: String) throws {
        let first = try request(#"{"type":"t","params":{"a":1}}"#)
        let second = try request(text)
        #expect(!first.asksForTheSame(as: second))
        #expect(first.workHash != second.workHash)
    }

    @Test("differ where the bytes differ, though the texts look the same")
    func bytes() throws {
        let composed = try request(#"{"type":"t","params":{"\u00e9":"\u00e9"}}"#)
        let decomposed = try request(#"{"type":"t","params":{"e\u0301":"e\u0301"}}"#)
        #expect(!composed.asksForTheSame(as: decomposed))
        #expect(composed.workHash != decomposed.workHash)
    }
}
