/// The parts of a life in which what is over is kept, and at last deleted.
import SpoolProtocol
import SpoolStorage

@testable import JobRunner

extension FaultLife {
    /// How many families there are in the end: three names' were run twice, and one is a schedule's.
    private static let families = FaultWorld.names.count + 4

    func rotate() async throws {
        world.rotateEventsAt = 1
        try await world.stop(.stop)
        let feeds = world.feed.feeds
        try world.drop("b", type: .other)
        try world.end(try await world.attempt("b"), .exit(0))
        var asked = 0
        try await world.reach("a new feed") {
            // When it could not be begun it is tried again with what is told after a while.
            asked += 1
            if asked % 20 == 10 { try world.put("", as: .pause) }
            if asked % 20 == 15 { try world.remove(.pause) }
            return world.feed.feeds > feeds
        }
        try world.remove(.pause)
        world.rotateEventsAt = .max
        try await world.stop(.stop)
    }

    func retain() async throws {
        let last = Set(try world.files.results().values.map(\.status.identity.jobID))
        world.retention.archiveAfter = .seconds(86_400)
        try await world.stop(.stop)
        world.clocks.pass(2 * 86_400)
        try await archive("all families") { try world.files.archived().count >= Self.families }
        let families = try world.files.archivedFamilies()
        if Set(families.map(\.result.status.identity.jobID)).count != Self.families {
            throw Violation("the archive has \(families.map { "\($0.result.status.identity.name)" })")
        }
        for family in families {
            // The request of a name that was run twice is the last one's.
            let identity = family.result.status.identity
            try family.check(hasRequest: last.contains(identity.jobID) || identity.slot != nil)
        }
    }

    func delete() async throws {
        world.retention.deleteArchivedAfter = .seconds(86_400)
        try await world.stop(.stop)
        world.clocks.pass(2 * 86_400)
        try await archive("nothing") {
            try world.files.archived().isEmpty
                && world.files.archive?.entries().contains { ArchivedFeed($0) != nil } == false
        }
    }

    /// Waits until the archive is as it should be.
    func archive(_ what: String, _ isSo: () throws -> Bool) async throws {
        var asked = 0
        try await world.reach("the archive to have \(what)") {
            // A pass that fails is followed by another one a minute later, for which nobody waits here; what could not be moved is left for
            // an hour.
            if asked == 50 { world.clocks.pass(3700) }
            if asked % 10 == 0 { world.daemon?.retain() }
            asked += 1
            return try isSo()
        }
    }
}
