/// Definitions: reading, building on another, and what the handler gets.
import JSONText
import SpoolProtocol
import Testing

@Suite("A definition")
struct DefinitionTests {
    static let full: JSONObject = [
        "v": 1, "description": "Sync", "command": ["rsync", "-a"], "params": ["root": "/srv"],
        "request_params": ["path"], "lane": "disk", "on_busy": "reject", "timeout_seconds": 60, "stall_seconds": 5,
        "grace_seconds": 0, "retry": ["max_attempts": 2, "backoff_seconds": 1], "on_interrupted": "fail",
        "dry_run": true, "environment": ["TOKEN": "s3cret", "LANG": "C"], "working_directory": "/srv",
        "allow": ["users": ["anna"], "groups": ["staff"]],
    ]

    static func definition(_ object: JSONObject) throws -> Definition {
        let type = try #require(JobType("t"))
        return try #require(Definition(type: type, try DefinitionFile(decoding: object)))
    }

    @Test("is read with every field")
    func read() throws {
        let definition = try Self.definition(Self.full)
        #expect(definition.command == ["rsync", "-a"])
        #expect(definition.params == ["root": "/srv"])
        #expect(definition.requestParams == ["path"])
        #expect(definition.lane == "disk")
        #expect(definition.onBusy == .reject)
        #expect(definition.timeoutSeconds == 60)
        #expect(definition.stallSeconds == 5)
        #expect(definition.graceSeconds == 0)
        #expect(definition.retry == RetryPolicy(maxAttempts: 2, backoffSeconds: 1))
        #expect(definition.onInterrupted == .fail)
        #expect(definition.dryRun)
        #expect(definition.environment.map(\.name) == ["TOKEN", "LANG"])
        #expect(definition.environment.map(\.value) == ["s3cret", "C"])
        #expect(definition.workingDirectory == "/srv")
        #expect(definition.allow == Allowance(users: ["anna"], groups: ["staff"]))
    }

    @Test("needs a command alone")
    func defaults() throws {
        let definition = try Self.definition(["command": ["true"]])
        #expect(
            definition.json.text
                == #"{"type":"t","description":null,"command":["true"],"params":{},"request_params":null,"lane":"default","#
                + #""on_busy":"queue","timeout_seconds":null,"stall_seconds":null,"grace_seconds":10,"#
                + #""retry":{"max_attempts":1,"backoff_seconds":10},"on_interrupted":"resume","dry_run":false,"#
                + #""environment":[],"working_directory":null,"allow":null}"#)
    }

    @Test("never shows the values of its environment, which may be secrets, but differs when one does")
    func secrets() throws {
        let definition = try Self.definition(Self.full)
        #expect(!definition.json.text.contains("s3cret"))
        #expect(definition.json["environment"] == ["TOKEN", "LANG"])
        var changed = Self.full
        #expect(try Self.definition(changed) == definition)
        changed["environment"] = ["TOKEN": "other", "LANG": "C"]
        #expect(try Self.definition(changed) != definition)
        changed["environment"] = ["TOKEN": "s3cret", "LANG": "C"]
        changed["lane"] = "other"
        #expect(try Self.definition(changed) != definition)
    }

    @Test(
        "that is wrong says which field and why",
        arguments: [
            ([:], "command", "is missing: name the program, or a type to build on in `extends`"),
            (["command": []], "command", "needs at least the program"),
            (["command": [""]], "command", "needs at least the program"),
            (["command": "rsync -a"], "command", "must be an array of strings, not \"rsync -a\""),
            (["command": ["a", 5]], "command", "element 2 is a number"),
            (["command": ["a\u{0}b"]], "command", "NUL"), (["extends": "a b"], "extends", "is no type's name"),
            (["v": 2, "command": ["a"]], "v", "is 2"), (["command": ["a"], "lane": ""], "lane", "must be 1 to 100"),
            (["command": ["a"], "lane": "a/b"], "lane", "must be 1 to 100"),
            (["command": ["a"], "grace_seconds": -1], "grace_seconds", "from 0 to 86400"),
            (["command": ["a"], "stall_seconds": 0], "stall_seconds", "must be above 0"),
            (["command": ["a"], "timeout_seconds": "1h"], "timeout_seconds", "not \"1h\""),
            (["command": ["a"], "on_interrupted": "retry"], "on_interrupted", "\"resume\", \"restart\", \"fail\""),
            (["command": ["a"], "request_params": "path"], "request_params", "must be an array of strings"),
            (["command": ["a"], "environment": ["A": 5]], "environment.A", "a variable's name with a string"),
            (["command": ["a"], "environment": ["": "x"]], "environment.", "a variable's name with a string"),
            (["command": ["a"], "environment": ["A=B": "x"]], "environment.A=B", "a variable's name with a string"),
            (["command": ["a"], "environment": ["A=\u{338}B": "x"]], "environment.A=\u{338}B", "a variable's name"),
            (["command": ["a"], "environment": ["A": "x\u{0}"]], "environment.A", "NUL"),
            (["command": ["a"], "environment": ["A\u{0}": "x"]], "environment.A\u{0}", "NUL"),
            (["command": ["a"], "working_directory": "srv"], "working_directory", "must be an absolute path"),
            (["command": ["a"], "working_directory": "/s\u{0}rv"], "working_directory", "NUL"),
            (["command": ["a"], "allow": ["user": []]], "allow.user", "did you mean `users`?"),
            (["command": ["a"], "allow": ["users": "anna"]], "allow.users", "must be an array of strings"),
            (["command": ["a"], "retry": ["backoff_seconds": 1]], "retry.max_attempts", "is missing"),
            (["comand": ["a"]], "comand", "did you mean `command`?"),
        ] as [(JSONObject, String, String)])
    func refused(_ object: JSONObject, _ field: String, _ problem: String) {
        let error = #expect(throws: JSONFieldError.self) { try DefinitionFile(decoding: object) }
        #expect(error?.path.joined(separator: ".") == field)
        #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
    }

    @Test("that builds on another wins over it; parameters and environments are merged")
    func extends() throws {
        let base = try DefinitionFile(decoding: Self.full)
        let empty = try DefinitionFile(decoding: ["extends": "base"])
        #expect(Definition(type: try #require(JobType("t")), empty) == nil)
        #expect(empty.extending(base) == base)

        let top = try DefinitionFile(decoding: [
            "extends": "base", "description": "Other", "command": ["cp"], "params": ["root": "/mnt", "deep": true],
            "request_params": [], "lane": "net", "on_busy": "join", "timeout_seconds": 1, "stall_seconds": 2,
            "grace_seconds": 3, "retry": ["max_attempts": 5], "on_interrupted": "restart", "dry_run": false,
            "environment": ["LANG": "de"], "working_directory": "/mnt", "allow": ["users": ["*"]],
        ])
        var expected = top
        expected.extends = nil
        expected.params = ["root": "/mnt", "deep": true]
        expected.environment = ["TOKEN": "s3cret", "LANG": "de"]
        #expect(top.extending(base) == expected)
        #expect(top.extending(try DefinitionFile(decoding: ["command": ["x"]])).params == top.params)
    }

    @Test("gives the handler the request's parameters with the fixed ones over them")
    func params() throws {
        var request = Request(type: try #require(JobType("t")))
        request.params = ["path": "a", "root": "/etc", "n": 1]
        let open = try Self.definition(["command": ["x"], "params": ["root": "/srv"]])
        #expect(JSON.object(try open.params(for: request)).text == #"{"path":"a","root":"/srv","n":1}"#)

        let closed = try Self.definition([
            "command": ["x"], "params": ["root": "/srv"], "request_params": ["path", "é"],
        ])
        let refused = #expect(throws: JobError.self) { try closed.params(for: request) }
        #expect(refused?.code == "INVALID_PARAMS")
        #expect(refused?.details == ["field": "params.root"])
        #expect(refused?.message == "`params.root` may not be set by a request of type t; it may set: path, é")
        request.params = ["path": "a"]
        #expect(try closed.params(for: request) == ["path": "a", "root": "/srv"])
        request.params = ["e\u{301}": 1]
        #expect(throws: JobError.self) { try closed.params(for: request) }

        let none = try Self.definition(["command": ["x"], "request_params": []])
        let setsNothing = #expect(throws: JobError.self) { try none.params(for: request) }
        #expect(setsNothing?.message.hasSuffix("it may set: none") == true)
        request.params = [:]
        #expect(try none.params(for: request) == [:])
    }

    @Test("refuses a dry run of a handler that cannot do one")
    func dryRun() throws {
        var request = Request(type: try #require(JobType("t")))
        request.dryRun = true
        let cannot = try Self.definition(["command": ["x"]])
        let error = #expect(throws: JobError.self) { try cannot.params(for: request) }
        #expect(error?.isCode(.invalidParams) == true)
        #expect(error?.details == ["field": "dry_run"])
        #expect(try Self.definition(["command": ["x"], "dry_run": true]).params(for: request) == [:])
    }
}
