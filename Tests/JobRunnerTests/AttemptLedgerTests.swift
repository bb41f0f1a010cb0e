/// What a ledger makes of an attempt whose outputs were emptied while an earlier daemon followed it.
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

@testable import JobRunner

@Suite("A ledger")
struct AttemptLedgerTests {
    private let files: SpoolFiles
    private let spool: Spool
    private let directory: Directory
    private let status: JobStatus

    init() throws {
        files = try SpoolFiles()
        spool = try Spool.open(files.path)
        directory = try spool.attempts.makeDirectory("id-a1", mode: 0o700)
        var status = try JobStatus.sample("a1")
        status.attempt = 1
        self.status = status
    }

    private func openLog(_ emptied: EmptiedOutputs = EmptiedOutputs(), isNew: Bool = false) throws -> JobLog {
        try JobLog(spool, "a1", in: directory, attempt: 1, isNew: isNew, emptied: emptied)
    }

    private func makeLedger(_ log: JobLog, _ emptied: EmptiedOutputs) -> AttemptLedger {
        AttemptLedger(status, log: log, emptied: emptied)
    }

    private func say(_ lines: [String], _ ledger: inout AttemptLedger, _ log: JobLog) throws {
        for line in lines {
            Array(line.utf8).withUnsafeBufferPointer { ledger.takeStandardError($0, at: status.updatedAt) }
        }
        try log.flush()
    }

    private func messages() throws -> [String] {
        let bytes = try #require(try spool.root.read(JobLog.logName("a1")))
        return try bytes.split(separator: 0x0A).map { try JSON(parsing: Array($0))["message"]?.string ?? "" }
    }

    @Test("writes no line twice when the daemon died before the last ones of an emptied output were written")
    func linesLost() throws {
        let log = try openLog(isNew: true)
        var ledger = makeLedger(log, EmptiedOutputs())
        try say(["old"], &ledger, log)
        var emptied = EmptiedOutputs()
        emptied.stderrLines = 2
        let second = try openLog(emptied)
        ledger = makeLedger(second, emptied)
        #expect(ledger.isEmptiedUnsaved)
        try say(["a", "b"], &ledger, second)
        let third = try openLog(ledger.emptied)
        ledger = makeLedger(third, ledger.emptied)
        #expect(!ledger.isEmptiedUnsaved)
        try say(["a", "b"], &ledger, third)
        #expect(try messages() == ["old", "a", "b"])
    }

    @Test("takes damaged numbers for none, or for all", arguments: [Int.min, -1, Int.max])
    func damaged(number: Int) throws {
        let log = try openLog(isNew: true)
        var ledger = makeLedger(log, EmptiedOutputs())
        try say(["old"], &ledger, log)
        var emptied = EmptiedOutputs()
        (emptied.handlerLines, emptied.errorLines, emptied.stderrLines) = (number, number, number)
        let second = try openLog(emptied)
        ledger = makeLedger(second, emptied)
        #expect(ledger.isEmptiedUnsaved)
        #expect(ledger.emptied.stderrLines == (number < 0 ? 0 : 1))
        #expect(ledger.errorsTotal == 0)
        try say(["old", "new"], &ledger, second)
        #expect(try messages() == (number < 0 ? ["old", "new"] : ["old", "old", "new"]))
    }

    private func report(checkpoint: JSON, _ ledger: inout AttemptLedger) {
        let line = JSON.object(["type": "checkpoint", "value": checkpoint]).bytes
        line.withUnsafeBufferPointer { ledger.takeOutput($0, at: status.updatedAt) }
    }

    @Test("does not go back behind a saved checkpoint that an output, cut off by a power cut, may not have")
    func savedCheckpoint() throws {
        let log = try openLog(isNew: true)
        let saved = SavedCheckpoint(value: 3, isProgress: true, mayBeAhead: true)
        var ledger = AttemptLedger(status, log: log, saved: saved)
        #expect(ledger.reports.madeProgress)
        for value in [1, 2] as [JSON] { report(checkpoint: value, &ledger) }
        #expect(ledger.status.checkpoint == 3)
        #expect(ledger.unsavedCheckpoint == nil)
        for value in [3, 4] as [JSON] { report(checkpoint: value, &ledger) }
        #expect(ledger.status.checkpoint == 4)
        #expect(ledger.unsavedCheckpoint == 4)
        // What was said before an output was emptied is not newer.
        var emptied = EmptiedOutputs()
        emptied.reports.checkpoint = 2
        let returned = AttemptLedger(
            status, log: log, emptied: emptied, saved: SavedCheckpoint(value: 3, isProgress: true, mayBeAhead: false))
        #expect(returned.status.checkpoint == 3)
        #expect(returned.unsavedCheckpoint == nil)
        // Without a power cut the outputs have all, and what an earlier attempt saved is none of theirs.
        for (isProgress, mayBeAhead) in [(true, false), (false, true)] {
            let saved = SavedCheckpoint(value: 3, isProgress: isProgress, mayBeAhead: mayBeAhead)
            var ledger = AttemptLedger(status, log: log, saved: saved)
            report(checkpoint: 1, &ledger)
            #expect(ledger.status.checkpoint == 1)
        }
    }

    @Test("keeps long errors short in the result, and whole in the file") func longErrors() throws {
        let log = try openLog(isNew: true)
        var ledger = makeLedger(log, EmptiedOutputs())
        let long = String(repeating: "x", count: 1 << 19)
        let line = JSON.object(["type": "error", "item": .string(long), "message": .string(long)]).bytes
        line.withUnsafeBufferPointer { ledger.takeOutput($0, at: status.updatedAt) }
        try log.flush()
        #expect(ledger.errors.map(\.item.count) == [1001])
        #expect(ledger.errors.map(\.message.count) == [1001])
        // A daemon that returns.
        let known = try openLog()
        #expect(known.written.firstErrors.map(\.item) == [long])
        var again = makeLedger(known, EmptiedOutputs())
        again.outputIsOver()
        #expect(again.errors.map(\.item.count) == [1001])
    }

    @Test("begins with what was reported before, which is saved as it was") func reports() throws {
        let log = try openLog(isNew: true)
        var ledger = makeLedger(log, EmptiedOutputs())
        let lines = [
            #"{"type": "result", "value": [1]}"#, #"{"type": "checkpoint", "value": null}"#,
            #"{"type": "checkpoint", "value": "c"}"#, #"{"type": "progress", "counts": {"failed": 3}}"#,
            #"{"type": "failure", "message": "no", "retryable": true}"#,
        ]
        for line in lines {
            Array(line.utf8).withUnsafeBufferPointer { ledger.takeOutput($0, at: status.updatedAt) }
        }
        ledger.outputIsEmptied(at: status.updatedAt)
        try ledger.emptied.save(in: directory, of: "id-a1/1", spool)
        #expect(try EmptiedOutputs(in: directory, of: "id-a1/2") == EmptiedOutputs())
        let emptied = try EmptiedOutputs(in: directory, of: "id-a1/1")
        #expect(emptied == ledger.emptied)
        let next = makeLedger(try openLog(emptied), emptied)
        #expect(next.reports == ledger.reports)
        #expect(next.reports.result == [1])
        #expect(next.reports.failure?.message == "no")
        #expect(next.reports.failureIsRetryable)
        #expect(next.reports.madeProgress)
        #expect(next.unsavedCheckpoint == "c")
        #expect(next.status.checkpoint == "c")
        #expect(next.status.counts["failed"] == 3)
        #expect(next.itemsFailed)
    }
}
