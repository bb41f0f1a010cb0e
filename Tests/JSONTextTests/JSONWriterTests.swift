/// What is written is read back the same, by this parser and by others.
import Foundation
import JSONText
import TestSupport
import Testing

@Suite("Written JSON")
struct JSONWriterTests {
    @Test(
        "escapes what must be escaped and nothing else",
        arguments: [
            ("\"\\/", #""\"\\/""#), ("\n\r\t", #""\n\r\t""#),
            ("\u{0}\u{1}\u{8}\u{C}\u{1F}", #""\u0000\u0001\u0008\u000c\u001f""#),
            ("\u{7F}\u{85}\u{2028}é😀", "\"\u{7F}\u{85}\u{2028}é😀\""),
        ])
    func escapes(_ string: String, _ text: String) { #expect(JSON.string(string).text == text) }

    @Test("is indented by two spaces a level, with empty containers on one line and a line break at the end")
    func indented() {
        let value: JSON = ["a": [1, [:], []], "b": ["c": .null]]
        let expected = """
            {
              "a": [
                1,
                {},
                []
              ],
              "b": {
                "c": null
              }
            }

            """
        #expect(String(decoding: value.indented, as: UTF8.self) == expected)
        #expect(value.text == #"{"a":[1,{},[]],"b":{"c":null}}"#)
        #expect(value.line == Array("\(value.text)\n".utf8))
    }

    @Test("is read back the same, on one line and indented", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let value = JSON.random(&random)
        let line = value.bytes
        #expect(!line.contains(0x0A))
        #expect(try JSON(parsing: line) == value)
        #expect(try JSON(parsing: value.indented) == value)
        #expect(try JSON(parsing: line).bytes == line)
    }

    @Test("is read the same by jq")
    func jq() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<5 {
            let value = JSON.array(
                (0..<100).map { _ in JSON.random(&random, numbers: ["0", "-1", "12.5", "1000000"]) })
            let output = try Tool.run(["jq", "-c", "."], input: value.indented)
            #expect(try JSON(parsing: output) == value)
        }
    }

    @Test("is read the same by Python, whose integers have any length")
    func python() throws {
        var random = SeededGenerator(seed: 2)
        let program = """
            import json, sys
            text = sys.stdin.buffer.read().decode("utf-8")
            sys.stdout.buffer.write(json.dumps(json.loads(text), ensure_ascii=True).encode())
            """
        for _ in 0..<5 {
            let value = JSON.array(
                (0..<100).map { _ in
                    JSON.random(&random, numbers: ["0", "-1", "12.5", "18446744073709551616", "-9223372036854775808"])
                })
            let output = try Tool.run(["python3", "-c", program], input: value.indented)
            #expect(try JSON(parsing: output) == value)
        }
    }

    @Test("what Python refuses is refused, and what it takes is taken", arguments: 0..<20 as Range<UInt64>)
    func mutations(_ seed: UInt64) throws {
        // Python by itself takes keys that are there twice, NaN, halves of surrogate pairs and infinities.
        let program = """
            import json, sys
            def pairs(members):
                if len(dict(members)) != len(members): raise ValueError("twice")
                return dict(members)
            def refuse(word): raise ValueError(word)
            for line in sys.stdin.buffer.read().split(b"\\n"):
                try:
                    text = bytes.fromhex(line.decode()).decode("utf-8")
                    if text.startswith("\\ufeff"): raise ValueError("BOM")
                    value = json.loads(text, object_pairs_hook=pairs, parse_constant=refuse)
                    json.dumps(value, ensure_ascii=False).encode("utf-8")
                    print("yes")
                except ValueError:
                    print("no")
            """
        var random = SeededGenerator(seed: seed)
        let sample = Array(#"{"a":[1,-2.5e3,true],"b\u00e9\uD83D\uDE00":{"c":null,"d":"x\n"},"é":"€"}"#.utf8)
        let parts = Array("\"\\{}[],:0-.eu ntD8\u{1}\u{0}".utf8) + [0xC3, 0xA9, 0xFF, 0xED, 0xA0]
        let texts = (0..<200).map { _ in
            var text = sample
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: text[at] = parts.randomElement(using: &random) ?? 0
                case 1: text.remove(at: at)
                default: text.insert(parts.randomElement(using: &random) ?? 0, at: at)
                }
            }
            return text
        }
        let input = texts.map { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
        let verdicts = String(
            decoding: try Tool.run(["python3", "-c", program], input: Array(input.joined(separator: "\n").utf8)),
            as: UTF8.self
        ).split(separator: "\n")
        try #require(verdicts.count == texts.count)
        for (text, verdict) in zip(texts, verdicts) {
            let shown = String(decoding: text, as: UTF8.self)
            do {
                _ = try JSON(parsing: text)
                #expect(verdict == "yes", "taken: \(shown)")
            } catch {
                #expect(verdict == "no", "refused: \(shown): \(error)")
            }
        }
    }

    @Test("512 levels are read, compared, written and freed on a small thread's stack")
    func smallStack() async throws {
        let text = String(repeating: "[{\"a\":", count: 256) + "1" + String(repeating: "}]", count: 256)
        let read = await withCheckedContinuation { continuation in
            let thread = Thread {
                let value = try? JSON(parsing: text)
                let isSame = value == (try? JSON(parsing: value?.indented ?? []))
                continuation.resume(returning: isSame ? value?.text : nil)
            }
            // Unoptimised code takes several times as much.
            #if DEBUG
                thread.stackSize = 4 << 20
            #else
                thread.stackSize = 512 << 10
            #endif
            thread.start()
        }
        #expect(read == text)
    }
}
