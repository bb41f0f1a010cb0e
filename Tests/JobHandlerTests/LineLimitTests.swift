import Testing

import enum SpoolProtocol.HandlerLine

@testable import JobHandler

@Suite struct LineLimitTests {
    /// The two do not know each other: what one writes in a line the other has to read whole.
    @Test func handlersWriteNoLongerLinesThanTheDaemonReads() {
        #expect(LineTooLong.limit == HandlerLine.maximumBytes)
    }
}
