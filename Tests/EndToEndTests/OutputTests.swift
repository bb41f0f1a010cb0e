/// Outputs that a handler opens anew by their names, which empties them: what it says is heard all the same.
import Glibc
import JSONText
import Testing

extension EndToEnd {
    @Suite("An output that is opened anew")
    struct OutputTests {
        let yard: Yard
        init() throws { yard = try Yard() }

        /// For a handler that waits until what it has said is heard: what it writes next empties the file.
        private func goOn(_ step: Int) throws { try Yard.write("", toFile: "\(yard.path)/.jobspool/work/\(step)") }

        @Test("is read from its beginning, and the log says so once", arguments: ["stderr", "stdout"])
        func anew(output: String) async throws {
            let numbers = [8, 9, 10, 11, 5]
            try yard.define(
                "t",
                """
                for i in \(numbers.map(String.init).joined(separator: " ")); do
                    echo "line $i" >/dev/\(output)
                    until [ -e ../$i ]; do sleep 0.02; done
                done
                """)
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            let source = output == "stdout" ? "handler" : "stderr"
            for number in numbers {
                try await eventually("line \(number)") {
                    try yard.messages("job", source: source).last == "line \(number)" ? true : nil
                }
                try goOn(number)
            }
            #expect(try await yard.result("job")["status"] == "completed")
            #expect(try yard.messages("job", source: source) == numbers.map { "line \($0)" })
            let told = try yard.messages("job", source: "daemon")
            #expect(told.count == 1)
            #expect(told.first?.contains("/dev/\(output)") ?? false)
        }

        @Test("keeps its reports") func reports() async throws {
            try yard.define(
                "t",
                #"""
                echo '{"type": "log", "message": "a long line, and one that is forgotten"}'
                until [ -e ../1 ]; do sleep 0.02; done
                echo '{"type": "error", "item": "a"}' >/dev/stdout
                until [ -e ../2 ]; do sleep 0.02; done
                echo '{"type": "checkpoint", "value": 1}'
                echo '{"type": "result", "value": 7}' | tee /dev/stdout
                """#)
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            try await eventually("the long line") { try yard.messages("job").isEmpty ? nil : true }
            try goOn(1)
            try await eventually("the error") { try yard.lines("job.errors.jsonl").isEmpty ? nil : true }
            try goOn(2)
            let result = try await yard.result("job")
            #expect(result["outcome"] == "partial")
            #expect(result["errors_total"] == 1)
            #expect(result["result"] == 7)
        }

        @Test("is told of once and whole also when the daemon dies in between, or meanwhile", arguments: [false, true])
        func adopted(whileAway: Bool) async throws {
            try yard.define(
                "t",
                #"""
                echo '{"type": "result", "value": 7}'; echo '{"type": "progress", "counts": {"failed": 9}}'
                for i in 1 2 3; do echo "out $i"; echo '{"type": "error", "item": "'$i'"}'; echo "err $i" >&2; done
                until [ -e ../1 ]; do sleep 0.02; done
                echo "out 4" >/dev/stdout; echo '{"type": "error", "item": "4"}'; echo "err 4" >/dev/stderr
                until [ -e ../2 ]; do sleep 0.02; done
                echo "out 5"; echo '{"type": "error", "item": "5"}'; echo "err 5" >&2
                until [ -e ../3 ]; do sleep 0.02; done
                : >/dev/stdout
                """#)
            try await yard.start()
            try yard.drop("job", ["type": "t"])
            for round in 1...3 {
                let last = round + 2
                try await eventually("all of round \(round)") {
                    let isThere =
                        try yard.messages("job").last == "out \(last)"
                        && yard.messages("job", source: "stderr").last == "err \(last)"
                        && yard.lines("job.errors.jsonl").last?["item"] == JSON.string("\(last)")
                    return isThere ? true : nil
                }
                yard.killDaemon()
                if !whileAway {
                    let shown = try yard.status("job")?["updated_at"]
                    try await yard.start()
                    try await eventually("the daemon to have read it all again") {
                        try yard.status("job")?["updated_at"] == shown ? nil : true
                    }
                }
                try goOn(round)
                if whileAway {
                    try await eventually("the handler to go on") {
                        if round == 3 {
                            return yard.shell("test -s .jobspool/attempts/*/1/stdout").status == 0 ? nil : true
                        }
                        let said = yard.shell("cat .jobspool/attempts/*/1/stderr").output
                        return said.hasSuffix("err \(round + 3)\n") ? true : nil
                    }
                    try await yard.start()
                }
            }
            let result = try await yard.result("job")
            #expect(result["errors_total"] == 5)
            #expect(result["outcome"] == "partial")
            // What nobody had read again before it was gone nobody knows.
            #expect(result["result"] == (whileAway ? .null : 7))
            if !whileAway { #expect(result["counts"]?["failed"] == 9) }
            #expect(try yard.messages("job") == (1...5).map { "out \($0)" })
            #expect(try yard.messages("job", source: "stderr") == (1...5).map { "err \($0)" })
            #expect(try yard.lines("job.errors.jsonl").compactMap { $0["item"]?.string } == (1...5).map { "\($0)" })
        }
    }
}
