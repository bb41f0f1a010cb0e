import GRDB
import Glibc
import JSONText
import JobHandler
import Testing

@testable import jobspool_library

/// Somebody else has the index open while `documents.sync` or `search` want it.
@Suite struct IndexHolderTests {
    /// 1,200 documents to copy, and an index of those that were there before.
    private func scratch() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.sh(
            """
            mkdir -p source/{a,b,c,d} target/old
            for n in $(seq 1200); do echo "text $n" >source/$(echo abcd | cut -c$((n % 4 + 1)))/$n.txt; done
            for n in $(seq 30); do echo old >target/old/$n.txt; done
            """)
        _ = try scratch.run(
            "documents.index",
            ["index": .string(scratch.path + "/index.db"), "directory": .string(scratch.path + "/target")])
        return scratch
    }

    private static let read = "db.execute('BEGIN'); print(db.execute('SELECT count(*) FROM document').fetchone()[0])"
    private static let write = "db.execute('BEGIN IMMEDIATE')"

    /// Another program that holds the index, from now until `letGo`.
    private func hold(_ scratch: Scratch, by statements: String) throws -> Child {
        try scratch.write(
            "holder.py",
            """
            import os, sqlite3, time
            db = sqlite3.connect('\(scratch.path)/index.db', isolation_level=None)
            \(statements)
            print('holding', flush=True)
            while not os.path.exists('\(scratch.path)/enough'): time.sleep(0.01)
            print(db.execute('SELECT count(*) FROM document').fetchone()[0])
            """)
        let holder = try Child(["/bin/bash", "-c", "exec python3 '\(scratch.path)/holder.py'"], input: "")
        #expect(holder.read(until: "holding").contains("holding"))
        return holder
    }

    /// - Returns: what the holder prints in the end.
    @discardableResult
    private func letGo(_ holder: Child, _ scratch: Scratch) throws -> String {
        try scratch.sh("touch enough")
        let (status, rest) = try holder.finish()
        #expect(status == 0)
        return rest.trimmed
    }

    @Test func aReaderHoldsNobodyUp() throws {
        let scratch = try scratch()
        let reader = try hold(scratch, by: Self.read)
        let run = try scratch.syncWithIndex(["max_delete_percent": 100])
        #expect(run.exit == 0, "\(run.failure?.text ?? run.errors)")
        #expect(Run.counts(run.result?["index"]) == "1200 0 0 30 0")
        // Others see what is new already; this one goes on with what it began to read.
        let search = try scratch.run("search", ["q": "1199", "index": .string(scratch.path + "/index.db")])
        #expect(search.result?["total"] == 1)
        #expect(try letGo(reader, scratch) == "30")
        try scratch.expectRightIndex()
    }

    @Test func aWriterIsWaitedForAndHoldsNoReaderUp() throws {
        let scratch = try scratch()
        let writer = try hold(scratch, by: Self.write)
        let child = try scratch.startSyncWithIndex(["max_delete_percent": 100])
        #expect(child.read(until: "documents to index").contains("documents to index"))
        let search = try scratch.run("search", ["q": "old", "index": .string(scratch.path + "/index.db")])
        #expect(search.result?["total"] == 30)
        try letGo(writer, scratch)
        #expect(try child.finish().status == 0)
        try scratch.expectRightIndex()
    }

    @Test func aWriterThatDoesNotLetGoIsAPassingFailure() async throws {
        let scratch = try scratch()
        let writer = try hold(scratch, by: Self.write)
        let queue = try LibraryDatabase.index.open(
            scratch.path + "/index.db", Patience(seconds: 0.2) { false })
        let error = #expect(throws: DatabaseError.self) { try queue.transaction(.immediate) { _ in } }
        let failure = JobFailure(try #require(error))
        #expect(failure.code == "DATABASE_BUSY")
        #expect(failure.exit == .temporary)
        #expect(failure.message.contains("another program has been writing"))
        try letGo(writer, scratch)
        try queue.transaction(.immediate) { _ in }
    }

    /// In whatever phase it is interrupted, the next run puts the index right. While another program writes to it the job cannot
    /// be over before its signal comes; and a job that is to stop does not wait for that program.
    @Test(arguments: [
        (SIGTERM, "Processed 40/"), (SIGKILL, "Processed 40/"), (SIGTERM, "documents to index"),
        (SIGKILL, "documents to index"),
    ])
    func aSyncThatIsInterruptedEndsWithARightIndex(signal: Int32, marker: String) throws {
        let scratch = try scratch()
        let writer = try hold(scratch, by: Self.write)
        let child = try scratch.startSyncWithIndex(["max_delete_percent": 100])
        #expect(child.read(until: marker).contains(marker))
        #expect(kill(child.pid, signal) == 0)
        let (status, rest) = try child.finish()
        #expect(status == (signal == SIGTERM ? 143 : 128 + signal), "\(rest.suffix(500))")
        try letGo(writer, scratch)
        let last = try scratch.syncWithIndex(["max_delete_percent": 100])
        #expect(last.exit == 0, "\(last.failure?.text ?? last.errors)")
        try scratch.sh("diff -r source target")
        #expect(try scratch.sql("SELECT count(*) FROM document", in: "index.db") == ["1200"])
        try scratch.expectRightIndex()
    }

    @Test(.enabled(if: geteuid() == 0, "needs root to be somebody else"))
    func whoMayNotWriteCanReadAllTheSame() throws {
        let scratch = try scratch()
        try scratch.sh("chmod 755 .")
        let count = try scratch.sh(
            """
            setpriv --reuid 65534 --regid 65534 --clear-groups /usr/bin/python3 -c "
            import sqlite3
            db = sqlite3.connect('file:\(scratch.path)/index.db?mode=ro', uri=True)
            print(db.execute('SELECT count(*) FROM words WHERE words MATCH ?', ('old',)).fetchone()[0])
            "
            """)
        #expect(count == "30\n")
    }

    /// An index of an earlier version has no write-ahead log: it gets one when nobody reads it.
    @Test func anIndexWithoutALogGetsOne() throws {
        let scratch = try scratch()
        let mode = "PRAGMA journal_mode"
        #expect(try scratch.sql(mode, in: "index.db") == ["wal"])
        try scratch.sql("PRAGMA journal_mode = DELETE", in: "index.db")
        let reader = try hold(scratch, by: Self.read)
        _ = try LibraryDatabase.index.open(scratch.path + "/index.db", Patience(seconds: 0.1) { false })
        try letGo(reader, scratch)
        #expect(try scratch.sql(mode, in: "index.db") == ["delete"])
        #expect(try scratch.syncWithIndex(["max_delete_percent": 100]).exit == 0)
        #expect(try scratch.sql(mode, in: "index.db") == ["wal"])
        try scratch.expectRightIndex()
    }
}
