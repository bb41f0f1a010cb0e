import Glibc
import JSONText
import SpoolClient
import SpoolProtocol
import SpoolStorage
import Testing

@Suite("A list of jobs")
struct ListTests {
    private func makeSpool() throws -> TestSpool {
        let spool = try TestSpool()
        try spool.makeJobs([
            ("z", .completed, "documents.sync"), ("m", .failed, "records.sync"), ("a", .running, "documents.sync"),
            ("k", .pending, "documents.sync"),
        ])
        return spool
    }

    @Test("is newest first: dropped ones, then by acceptance, whatever their names and files' times") func order()
        throws
    {
        let spool = try makeSpool()
        var past = [timespec(tv_sec: 1000, tv_nsec: 0), timespec(tv_sec: 1000, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, "\(spool.path)/a.status.json", &past, 0) == 0)
        try spool.drop("new")
        #expect(try spool.client.list().jobs.map(\.name.string) == ["new", "k", "a", "m", "z"])
    }

    struct Case: Sendable {
        let filter: ListFilter
        let names: [String]
    }

    @Test(
        "shows what a filter lets through",
        arguments: [
            Case(filter: ListFilter(limit: 2), names: ["k", "a"]),
            Case(filter: ListFilter(limit: 0), names: []),
            Case(filter: ListFilter(limit: 99), names: ["k", "a", "m", "z"]),
            Case(filter: ListFilter(type: "records.sync"), names: ["m"]),
            Case(filter: ListFilter(type: "nothing"), names: []),
            Case(filter: ListFilter(standings: ["running", "pending"]), names: ["k", "a"]),
            Case(filter: ListFilter(limit: 1, type: "documents.sync", standings: ["completed"]), names: ["z"]),
        ])
    func filters(row: Case) throws {
        let spool = try makeSpool()
        #expect(try spool.client.list(row.filter).jobs.map(\.name.string) == row.names)
    }

    @Test("finds what no daemon has seen by the status \"dropped\"") func dropped() throws {
        let spool = try makeSpool()
        try spool.drop("new")
        #expect(try spool.client.list(ListFilter(standings: ["dropped"])).jobs.map(\.name.string) == ["new"])
    }

    @Test("shows jobs only: no temporary, foreign or spool files") func otherFiles() throws {
        let spool = try makeSpool()
        for file in [
            ".hidden.json", "x.json.tmp", "spool.status.json", "spool.pause.json", "notes.txt", "q.cancel.json",
        ] {
            try spool.write("{}", file)
        }
        _ = try spool.root.makeDirectory("archive", mode: 0o755)
        #expect(try spool.client.list().jobs.count == 4)
    }

    @Test("goes on past a damaged file, and tells of it") func damaged() throws {
        let spool = try makeSpool()
        try spool.write("{", "a.status.json")
        let listing = try spool.client.list()
        #expect(listing.jobs.map(\.name.string) == ["k", "m", "z"])
        #expect(listing.problems.map(\.name.string) == ["a"])
    }
}
