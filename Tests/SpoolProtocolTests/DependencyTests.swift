/// `after`: what follows from the jobs that are waited for, and circles.
import JSONText
import SpoolProtocol
import Testing

@Suite("A job that names others in `after`")
struct DependencyTests {
    static func name(_ text: String) -> JobName {
        do {
            return try JobName(text)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let states: [(String, DependencyState)]
        let verdict: String

        var testDescription: String { "\(states) → \(verdict)" }
    }

    @Test(
        "goes on when all have completed, fails at once when one has not, and waits otherwise",
        arguments: [
            Row(states: [], verdict: "met"),
            Row(states: [("a", .completed), ("b", .completed)], verdict: "met"),
            Row(states: [("a", .completed), ("b", .underWay)], verdict: "waits for b; unknown: "),
            Row(
                states: [("c", .unknown), ("b", .underWay), ("a", .unknown)], verdict: "waits for c b a; unknown: c a"),
            Row(states: [("a", .ended(.failed)), ("b", .unknown)], verdict: "failed: a failed"),
            Row(
                states: [("a", .ended(.cancelled)), ("b", .completed), ("c", .ended(.rejected))],
                verdict: "failed: a cancelled, c rejected"),
        ])
    func verdict(row: Row) {
        let found = DependencyVerdict(row.states.map { (Self.name($0.0), $0.1) })
        let text =
            switch found {
            case .met: "met"
            case .waiting(let names, let unknown):
                "waits for \(names.map(\.string).joined(separator: " ")); unknown: "
                    + unknown.map(\.string).joined(separator: " ")
            case .failed(let error):
                "failed: "
                    + (error.details["jobs"]?.array ?? [])
                    .map { "\($0["name"]?.string ?? "") \($0["status"]?.string ?? "")" }.joined(separator: ", ")
            }
        #expect(text == row.verdict)
        if case .failed(let error) = found {
            #expect(error.code == "DEPENDENCY_FAILED")
            #expect(error.message.contains("a ended"))
        }
    }

    @Test(
        "would wait for itself when the names lead back to it",
        arguments: [
            (["a": ["a"]], "a a"), (["a": ["b"], "b": ["a"]], "a b a"),
            (["a": ["x", "b"], "b": ["c"], "c": ["y", "a"], "x": ["y"]], "a b c a"),
            (["a": ["b"], "b": ["c"], "c": ["b"]], ""), (["a": ["b", "c"], "b": ["d"], "c": ["d"]], ""), ([:], ""),
        ] as [([String: [String]], String)])
    func circle(graph: [String: [String]], expected: String) {
        let found = DependencyCircle.find(from: Self.name("a")) { (graph[$0.string] ?? []).map(Self.name) }
        #expect((found ?? []).map(\.string).joined(separator: " ") == expected)
    }

    @Test("is looked at without recursion: a chain of 100,000 is no trouble")
    func longChain() {
        let found = DependencyCircle.find(from: Self.name("0")) { name in
            Int(name.string).map { $0 < 100_000 ? [Self.name("\($0 + 1)")] : [Self.name("0")] } ?? []
        }
        #expect(found?.count == 100_002)
    }

    @Test("is told of a circle by name")
    func circleError() {
        let error = DependencyCircle.error([Self.name("a"), Self.name("b"), Self.name("a")])
        #expect(error.code == "DEPENDENCY_FAILED")
        #expect(error.message.contains("a → b → a"))
        #expect(error.details["circle"] == ["a", "b", "a"])
    }
}

@Suite("What a job waits for")
struct WaitingTests {
    @Test(
        "comes back as it was written, and says it to people",
        arguments: [
            (.time(Timestamp(milliseconds: 0)), "1970-01-01"), (.retry(Timestamp(milliseconds: 0)), "tried again"),
            (.jobs([DependencyTests.name("a"), DependencyTests.name("b")], unknown: []), "for a, b"),
            (.jobs([DependencyTests.name("a")], unknown: [DependencyTests.name("a")]), "nobody has dropped a"),
            (.join(JobReference(name: DependencyTests.name("a"), jobID: "x")), "result of a"),
        ] as [(Waiting, String)])
    func roundTrip(waiting: Waiting, words: String) {
        #expect(Waiting(json: waiting.json) == waiting)
        #expect(waiting.message.contains(words), "\(waiting.message)")
        #expect(waiting.json.object?.keys == ["reason", "until", "jobs", "unknown", "job_id"])
    }

    @Test(
        "is nothing when it is not there, or of a kind that nobody knows",
        arguments: [
            nil, .null, ["reason": "moon"], ["reason": "retry"], ["reason": "join", "jobs": []],
            ["reason": "not_before", "until": "soon"], "x",
        ] as [JSON?])
    func nothing(json: JSON?) { #expect(Waiting(json: json) == nil) }
}

@Suite("A pause")
struct PauseTests {
    @Test(
        "says why, if its file does",
        arguments: [
            ("", nil), (#"{"reason":"disk is full"}"#, "disk is full"), ("disk is full\nsince noon\n", "disk is full"),
            ("{}", nil), (#"{"reason":7}"#, nil), (" \n", nil), (#"{"reason":"a\u001bb"}"#, "a\\u{1B}b"), ("[1]", nil),
        ] as [(String, String?)])
    func reason(content: String, reason: String?) {
        let pause = Pause(since: Timestamp(milliseconds: 0), by: "anna", content: Array(content.utf8))
        #expect(pause.reason == reason)
        #expect(Pause(json: pause.json) == pause)
    }
}
