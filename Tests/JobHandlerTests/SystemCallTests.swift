import Glibc
import Testing

@testable import JobHandler

@Suite struct SystemCallTests {
    @Test(arguments: [0, 1, 5])
    func aCallThatASignalInterruptsIsMadeAgain(interruptions: Int) throws {
        var left = interruptions
        let result = try systemCall("read", "x") {
            if left == 0 { return 42 }
            left -= 1
            errno = EINTR
            return -1
        }
        #expect(result == 42)
    }

    @Test func anErrorNamesTheCallThePathAndTheReason() throws {
        let error = try #require(throws: SystemCallError.self) {
            try systemCall("open", "/none") { open("/none/none", O_RDONLY) }
        }
        #expect(error == SystemCallError(operation: "open", path: "/none", errno: ENOENT))
        #expect(error.description == "open /none: No such file or directory")
    }

    @Test func theThrottleAdmitsOncePerInterval() {
        var throttle = Throttle(interval: 100)
        #expect(
            [0, 50, 99, 100, 150, 200, 1000].map { throttle.admits(at: $0) } == [
                true, false, false, true, false, true, true,
            ])
    }
}
