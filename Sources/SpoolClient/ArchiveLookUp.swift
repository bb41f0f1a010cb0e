/// Finished jobs in the archive, and jobs on their way there: their files leave the spool one by one, and for a moment they are
/// where only the daemon's user may look. Whoever finds nothing then looks once more.
import Glibc
import SpoolProtocol
import SpoolStorage

extension SpoolDirectory {
    func archive() throws(SpoolClientError) -> ArchivedFamilies {
        try storage { () throws(SpoolError) in try ArchivedFamilies(root, owner: JobFiles(root).daemonUser) }
    }

    /// How an archived run has ended; nil when it is no longer there, or has no result.
    func view(of family: ArchivedFamily, withStatus: Bool = true) throws(SpoolClientError) -> JobView? {
        guard let files = try files(of: family), let (result, document) = try files.readResult(family.name) else {
            return nil
        }
        let status = withStatus ? try files.readStatus(family.name)?.1 : nil
        return JobView(
            name: family.name, state: .over(result), request: nil, cancelRequested: false, statusDocument: status,
            resultDocument: document, archived: family)
    }

    func files(of family: ArchivedFamily) throws(SpoolClientError) -> JobFiles? {
        try storage { () throws(SpoolError) in
            try family.open().map { (directory) throws(SpoolError) in
                JobFiles(directory, daemonUser: try JobFiles(root).daemonUser)
            }
        }
    }

    func newestArchivedView(of name: JobName) throws(SpoolClientError) -> JobView? {
        let family = try storage { () throws(SpoolError) in
            try ArchivedFamilies(root, owner: JobFiles(root).daemonUser).newest(of: name)
        }
        return try family.flatMap { (family) throws(SpoolClientError) in try view(of: family) }
    }

    /// The run of a version of a request, among the last runs of the job that are in the archive.
    func archivedRun(of name: JobName, _ version: Fingerprint) throws(SpoolClientError) -> JobView? {
        let archive = try archive()
        for family in try storage({ () throws(SpoolError) in try archive.runs(of: name, limit: 64) }) {
            if let view = try view(of: family), view.status?.request == version { return view }
        }
        return nil
    }

    // MARK: On the way

    private static let pauses: [UInt32] = [10_000, 30_000, 60_000]

    /// Looks again when what was seen is not sure, as long as files leave the spool.
    func whileFamiliesMove<Found>(
        isSure: (Found) -> Bool, _ look: () throws(SpoolClientError) -> Found?
    ) throws(SpoolClientError) -> Found? {
        for pause in Self.pauses {
            let found = try look()
            if let found, isSure(found) { return found }
            guard try isChanging() else { return found }
            usleep(pause)
        }
        return try look()
    }

    /// Something has entered or left the directory in the last seconds.
    private func isChanging() throws(SpoolClientError) -> Bool {
        let changed = try storage { () throws(SpoolError) in try root.stat().fingerprint.modifiedAt }
        return abs(Clock.now().milliseconds - changed.milliseconds) < 2000
    }
}
