/// Time zones by their names: found, kept, read anew, and not to be led out of the directory.
import Glibc
import JSONText
import SpoolProtocol
import SpoolStorage
import Testing

@Suite(
    "The machine's time zones", .enabled(if: access("\(TimeZones.directory)/Europe/Berlin", R_OK) == 0, "needs tzdata"))
struct TimeZonesTests {
    private let summer: Int64 = 1_782_864_000  // 2026-07-01

    @Test(
        "are found by name, links too",
        arguments: [
            ("Europe/Berlin", 7200), ("UTC", 0), ("Etc/GMT+5", -18_000), ("America/Argentina/Buenos_Aires", -10_800),
            ("US/Eastern", -14_400), ("Asia/Kathmandu", 20_700),
        ])
    func found(_ name: String, _ offset: Int64) throws {
        var zones = TimeZones()
        #expect(try zones.rules(of: name).offset(at: summer) == offset)
        #expect(try zones.rules(of: name).offset(at: summer) == offset)
    }

    @Test(
        "that are none are refused, with the remedy",
        arguments: [
            ("Europe/Berln", "did you mean \"Europe/Berlin\"?"), ("europe/berlin", "did you mean \"Europe/Berlin\"?"),
            ("Europe", "is no time zone of this machine"), ("Mars/Olympus_Mons", "ls /usr/share/zoneinfo"),
            ("", "must be a zone's name"), ("/etc/localtime", "must be a zone's name"),
            ("../../../etc/passwd", "must be a zone's name"), ("Europe/../Europe/Berlin", "must be a zone's name"),
            ("Europe//Berlin", "must be a zone's name"), ("./UTC", "must be a zone's name"),
            ("a\u{0}b", "must be a zone's name"),
            (String(repeating: "a", count: 101), "must be a zone's name"), ("Europe/Berlin/x", "is no time zone"),
        ])
    func wrong(_ name: String, _ says: String) {
        var zones = TimeZones()
        let error = #expect(throws: JobError.self) { try zones.rules(of: name) }
        #expect(error?.code == "INVALID_SCHEDULE")
        #expect(error?.details["field"] == "time_zone")
        #expect(error?.message.contains(says) ?? false, "\(error?.message ?? "")")
    }

    @Test("are not there without tzdata, and that is said; UTC is always there") func none() throws {
        let temporary = try TemporarySpool()
        for directory in [temporary.path, "\(temporary.path)/missing"] {
            var zones = TimeZones(directory: directory)
            let error = #expect(throws: JobError.self) { try zones.rules(of: "Europe/Berlin") }
            #expect(error?.message.contains("install tzdata") ?? false)
            #expect(try zones.rules(of: "UTC").offset(at: summer) == 0)
        }
    }

    @Test("are read anew when their file has changed, and what is no zone's file says so") func changed() throws {
        let temporary = try TemporarySpool()
        var zones = TimeZones(directory: temporary.path)
        func copy(_ zone: String) throws {
            try Tool.run(["cp", "\(TimeZones.directory)/\(zone)", "\(temporary.path)/new"])
            try temporary.directory.rename(FileName("new"), to: temporary.directory, FileName("Here"))
        }
        try copy("Europe/Berlin")
        #expect(try zones.rules(of: "Here").offset(at: summer) == 7200)
        try copy("Asia/Tokyo")
        #expect(try zones.rules(of: "Here").offset(at: summer) == 32_400)
        try temporary.write("nothing", "Here")
        let error = #expect(throws: JobError.self) { try zones.rules(of: "Here") }
        #expect(error?.message.contains("is no time-zone file") ?? false)
        try temporary.make(FileName("Fifo")) { mkfifo($0, 0o600) }
        #expect(throws: JobError.self) { try zones.rules(of: "Fifo") }
    }
}
