/// Strings for execve(2), and how they reach a supervisor.
import Glibc
import Testing

@testable import JobRunner

@Suite("Strings for execve")
struct ExecStringsTests {
    private func read(_ strings: ExecStrings) -> [String] {
        strings.withPointers { pointers in
            #expect(pointers.last == .some(nil))
            return pointers.dropLast().map { $0.map { String(cString: $0) } ?? "nil" }
        }
    }

    @Test(
        "come as they were given",
        arguments: [[], [""], ["a"], ["", "", "b"], ["/bin/sh", "-c", "echo \"ü 日本\"", ""]]) func whole(
            _ strings: [String]
        )
    {
        let made = ExecStrings(strings)
        #expect(read(made) == strings)
        #expect(made.count == strings.count)
        #expect((0..<made.count).map { made[$0] } == strings)
        #expect(read(ExecStrings(block: made.block)) == strings)
        #expect(read(made.dropFirst(1)) == Array(strings.dropFirst()))
        #expect(read(made.prefix(2)) == Array(strings.prefix(2)))
    }

    @Test("are not more than end with a zero byte") func torn() {
        #expect(read(ExecStrings(block: Array("a\0b".utf8))) == ["a"])
        #expect(read(ExecStrings(block: Array("b".utf8))) == [])
    }

    @Test("are an order when they begin with the number of arguments, and there are so many")
    func order() throws {
        func order(_ strings: [String]) -> ForkServer.Order? { ForkServer.Order(ExecStrings(strings).block, [7]) }
        let order1 = try #require(order(["2", "name", "arg", "A=1", "B=2"]))
        #expect(read(order1.arguments) == ["name", "arg"])
        #expect(read(order1.environment) == ["A=1", "B=2"])
        #expect(order1.descriptors == [7])
        #expect(read(try #require(order(["1", "name"])).environment) == [])
        for bad in [[], ["1"], ["2", "name"], ["0", "name"], ["-1", "name"], ["x", "name"], ["", "name"]] {
            #expect(order(bad) == nil)
        }
    }
}
