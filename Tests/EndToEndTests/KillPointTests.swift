/// A sample of what `Tests/kill-points.sh` does with the release build at every point: the daemon, or a supervisor, is killed right before
/// a call that changes files. Which points is left to chance.
import Glibc
import Testing

/// The package, from the place of this file.
private let package = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

/// The exit status of a trial; 77: it may not be done here.
private let probe: Int32 = {
    do {
        return try Yard().shell("sh \(package)/Tests/kill-points.sh probe").status
    } catch {
        return -1
    }
}()

extension EndToEnd {
    @Suite(
        "Killed at a call that changes files",
        .enabled(
            if: probe != 77,
            "processes may not be traced here (ptrace(2)): nothing is shown about the death of the daemon at its calls")
    )
    struct KillPointTests {
        @Test(
            "a daemon or a supervisor leaves what the next one completes: nothing lost, nothing twice, nothing torn",
            arguments: [("daemon", 160), ("supervisor", 11)])
        func sample(role: String, stride: Int) throws {
            try #require(probe == 0)
            let first = Int.random(in: 1...stride)
            let yard = try Yard()
            let script = "\(package)/Tests/kill-points.sh"
            let ended = yard.shell(
                "JOBSPOOL=\(Yard.executables)/jobspool SECONDS_LIMIT=20 sh \(script) \(role) \(stride) \(first)")
            print(ended.output)
            #expect(ended.status == 0, "\(role), every \(stride)th from the \(first)th on:\n\(ended.output)")
            #expect(!ended.output.contains("kill points: 0 tried"))
        }
    }
}
