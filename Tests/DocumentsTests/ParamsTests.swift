import Glibc
import JSONText
import Testing

@Suite struct ParamsTests {
    @Test(
        arguments: [
            (["source": "relative"], "params.source", "must be an absolute path"),
            (["source": .null], "params.source", "is missing"), (["target": .null], "params.target", "is missing"),
            (["target": 5], "params.target", "must be a string, not 5"),
            (["path": "../x"], "params.path", "must not contain \"..\""),
            (["path": "/etc"], "params.path", "must be relative"),
            (["path": "secret/a", "exclude": ["/secret"]], "params.path", "is excluded"),
            (["include": "*.md"], "params.include", "must be an array of strings"),
            (["exclude": ["[a"]], "params.exclude", "has a [ without its ]"),
            (["compare": "size"], "params.compare", "one of \"mtime_size\", \"checksum\""),
            (["force": "yes"], "params.force", "must be true or false"),
            (["delete": 1], "params.delete", "must be true or false"),
            (["max_delete": -1], "params.max_delete", "must be an integer from 0"),
            (["max_delete_percent": 101], "params.max_delete_percent", "must be a number from 0 to 100"),
            (["allow_empty": "no"], "params.allow_empty", "must be true or false"),
            (["max_errors": 1.5], "params.max_errors", "must be an integer from 0"),
            (["max_error_percent": -1], "params.max_error_percent", "must be a number from 0 to 100"),
            (["batch_size": 0], "params.batch_size", "must be an integer from 1"),
            (["index": true], "params.index", "must be a string"),
            (["index": "index.db"], "params.index", "must be an absolute path"),
            (["indx": true], "params.indx", "is not a known field"),
            (["max_deletes": 4], "params.max_deletes", "did you mean `max_delete`?"),
        ] as [(JSONObject, String, String)])
    func aWrongParamIsNamed(more: JSONObject, field: String, message: String) throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir source target; echo x > source/a")
        let sync = try scratch.sync(more)
        #expect(sync.exit == 64)
        #expect(sync.failure?["code"] == "INVALID_PARAMS")
        #expect(sync.failure?["details"]?["field"]?.string == field)
        #expect(sync.failure?["message"]?.string?.contains(message) == true, "\(sync.failure?.text ?? "")")
        #expect(sync.errors.contains(message))
        #expect(try scratch.sh("ls target").isEmpty)
    }

    @Test(arguments: [
        ("target", "source/inside", "params.target"), ("target", "source", "params.target"),
        ("target", "link/inside", "params.target"), ("target", "source/new", "params.target"),
        ("source", "target/inside", "params.source"), ("target", "source/\u{301}new", "params.target"),
    ])
    func rootsWithinEachOtherAreRefused(param: String, directory: String, field: String) throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir -p source/inside target/inside; ln -s source link; echo x > source/a")
        let sync = try scratch.sync([(param): .string("\(scratch.path)/\(directory)")] as JSONObject)
        #expect(sync.exit == 64)
        #expect(sync.failure?["details"]?["field"]?.string == field)
        #expect(try scratch.sh("ls -A source/inside target/inside").contains("a\n") == false)
    }

    @Test(arguments: [
        ("rm -r source", "", 1, "SOURCE_MISSING"), ("true", "none", 1, "SOURCE_MISSING"),
        ("mv source s2; ln -s s2 source", "", 0, ""),
        ("ln -s /etc source/out", "out", 64, "INVALID_PARAMS"),
        ("ln -s . source/self", "self/self", 64, "INVALID_PARAMS"),
        ("echo x > source/file", "file", 64, "INVALID_PARAMS"),
        ("mkdir source/d; ln -s /etc target/d", "d", 64, "INVALID_PARAMS"),
        ("rm -r target; echo x > target", "", 1, "TARGET_UNUSABLE"),
    ])
    func thePlacesHaveToBeUsable(script: String, path: String, exit: Int32, code: String) throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir source target; echo x > source/a; \(script)")
        let sync = try scratch.sync(["path": .string(path)])
        #expect(sync.exit == exit)
        #expect(sync.failure?["code"]?.string ?? "" == code)
    }

    @Test func aTargetWhoseParentIsMissingIsNotMadeUp() throws {
        let scratch = try Scratch()
        try scratch.sh("mkdir source; echo x > source/a")
        let sync = try scratch.sync(["target": .string("\(scratch.path)/not/mounted")])
        #expect(sync.exit == 1)
        #expect(sync.failure?["code"] == "TARGET_MISSING")
        #expect(try scratch.sh("ls").trimmed == "source")
    }
}

extension String {
    var trimmed: String { String(drop { $0 == "\n" }.reversed().drop { $0 == "\n" }.reversed()) }
}
