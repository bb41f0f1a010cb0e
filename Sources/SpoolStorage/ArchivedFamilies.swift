/// Looks finished jobs up in the archive: by the names of directories, the newest day first. Links are never followed, and
/// what other programs put into the archive is passed over, as is what somebody deletes meanwhile.
package import SpoolProtocol
import Glibc

/// An archived family of files: a directory, whose files have the names that they had in the spool.
package struct ArchivedFamily: Sendable {
    package let archivedName: ArchivedName
    package let day: ArchiveDay
    fileprivate let archive: Directory

    package var name: JobName { archivedName.name }
    package var jobID: String { archivedName.jobID }

    /// For people: below the spool's path as it was given.
    package var path: String { "\(archive.path)/\(day.components.joined(separator: "/"))/\(archivedName.string)" }

    /// nil when it is no longer there, or no directory.
    package func open() throws(SpoolError) -> Directory? {
        try archive.existing(day)?.existingDirectory(archivedName.fileName)
    }

    /// When its result was written; without one, when the directory was changed last. nil when there is no such directory.
    package func endedAt() throws(SpoolError) -> Timestamp? {
        guard let directory = try open() else { return nil }
        let result = try directory.stat(Spool.file(.result(name)))
        if let result { return result.fingerprint.modifiedAt }
        return try directory.stat().fingerprint.modifiedAt
    }
}

package struct ArchivedFamilies: Sendable {
    /// nil when there is none.
    private let archive: Directory?

    /// - Parameter owner: the daemon's user, to whom the archive has to belong; nil: whoever it belongs to.
    package init(_ root: Directory, owner: UInt32?) throws(SpoolError) {
        let archive = try root.existingDirectory(FileName(SpoolFile.archiveDirectory))
        guard let archive, let owner else {
            self.archive = archive
            return
        }
        self.archive = try archive.stat().owner == owner ? archive : nil
    }

    /// The last run of a job that is in the archive; nil when none is.
    package func newest(of name: JobName) throws(SpoolError) -> ArchivedFamily? {
        try runs(of: name, limit: 1).first
    }

    /// The last runs of several jobs, as far as they are in the archive, with one look at it.
    package func newest(of names: Set<JobName>) throws(SpoolError) -> [JobName: ArchivedFamily] {
        var found: [JobName: ArchivedFamily] = [:]
        for day in try days() where found.count < names.count {
            let ofDay = try families(on: day).filter { names.contains($0.name) && found[$0.name] == nil }
            for (name, runs) in Dictionary(grouping: ofDay, by: \.name) {
                found[name] = try Self.newestFirst(runs).first
            }
        }
        return found
    }

    /// The last runs of a job that are in the archive, the newest first.
    package func runs(of name: JobName, limit: Int) throws(SpoolError) -> [ArchivedFamily] {
        var runs: [ArchivedFamily] = []
        for day in try days() where runs.count < limit {
            runs += try Self.newestFirst(families(on: day).filter { $0.name == name })
        }
        return Array(runs.prefix(limit))
    }

    /// nil when there is none.
    package func family(jobID: String) throws(SpoolError) -> ArchivedFamily? {
        try families(jobIDs: [jobID]).first
    }

    /// Those families of these jobs that are in the archive.
    package func families(jobIDs: Set<String>) throws(SpoolError) -> [ArchivedFamily] {
        let wanted = Set(jobIDs.map { $0.lowercased() })
        var found: [ArchivedFamily] = []
        for day in try days() where found.count < wanted.count {
            found += try families(on: day).filter { wanted.contains($0.jobID.lowercased()) }
        }
        return found
    }

    // MARK: Days

    /// The days that have directories, the newest first.
    package func days() throws(SpoolError) -> [ArchiveDay] {
        guard let archive else { return [] }
        var days: [ArchiveDay] = []
        for year in try archive.entries() where year.isArchiveYear {
            guard let months = try archive.existingDirectory(year) else { continue }
            for month in try months.entries() where month.isArchiveMonthOrDay {
                for day in try months.existingDirectory(month)?.entries() ?? [] {
                    if let day = ArchiveDay(year, month, day) { days.append(day) }
                }
            }
        }
        return days.sorted(by: >)
    }

    /// The families of a day, in no order.
    package func families(on day: ArchiveDay) throws(SpoolError) -> [ArchivedFamily] {
        guard let archive, let directory = try archive.existing(day) else { return [] }
        return try directory.entries().compactMap { entry in
            ArchivedName(entry).map { ArchivedFamily(archivedName: $0, day: day, archive: archive) }
        }
    }

    /// Families of one day by the times of their results, which need not be read for it.
    package static func newestFirst(_ families: [ArchivedFamily]) throws(SpoolError) -> [ArchivedFamily] {
        if families.count < 2 { return families }
        var known: [(family: ArchivedFamily, at: Fingerprint)] = []
        for family in families {
            guard let directory = try family.open(), let stat = try directory.stat(Spool.file(.result(family.name)))
            else { continue }
            known.append((family, stat.fingerprint))
        }
        known.sort { a, b in
            (a.at.seconds, a.at.nanoseconds, a.family.name) > (b.at.seconds, b.at.nanoseconds, b.family.name)
        }
        return known.map(\.family)
    }

    // MARK: Age

    /// The families of a day that ended at `cutoff` or earlier. Of most days the day alone says it.
    package func expired(on day: ArchiveDay, cutoff: Timestamp) throws(SpoolError) -> [ArchivedFamily] {
        switch day.age(at: cutoff) {
        case .due: return try families(on: day)
        case .notDue: return []
        case .mixed:
            var expired: [ArchivedFamily] = []
            for family in try families(on: day) {
                if let endedAt = try family.endedAt(), endedAt <= cutoff { expired.append(family) }
            }
            return expired
        }
    }

    /// Archived feeds, the oldest first.
    package func feeds() throws(SpoolError) -> [ArchivedFeed] {
        try (archive?.entries() ?? []).compactMap { ArchivedFeed($0) }
            .sorted { $0.lastSequence < $1.lastSequence }
    }

    /// The feeds that were last written at `cutoff` or earlier.
    package func expiredFeeds(cutoff: Timestamp) throws(SpoolError) -> [ArchivedFeed] {
        var expired: [ArchivedFeed] = []
        for feed in try feeds() {
            if let stat = try archive?.stat(feed.fileName), stat.kind == .file, stat.fingerprint.modifiedAt <= cutoff {
                expired.append(feed)
            }
        }
        return expired
    }
}

extension Spool {
    package func archivedFamilies() throws(SpoolError) -> ArchivedFamilies {
        try ArchivedFamilies(root, owner: geteuid())
    }
}

extension Directory {
    /// nil when there is nothing of this name, or no directory.
    func existingDirectory(_ name: FileName) throws(SpoolError) -> Directory? {
        do {
            return try directory(name)
        } catch  where [ENOENT, ENOTDIR, ELOOP].contains(error.code) {
            return nil
        }
    }

    /// The directory of a day in the archive.
    func existing(_ day: ArchiveDay) throws(SpoolError) -> Directory? {
        var directory = self
        for part in day.components {
            guard let inner = try directory.existingDirectory(FileName(part)) else { return nil }
            directory = inner
        }
        return directory
    }
}
