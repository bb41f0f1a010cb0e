/// One look at every entry of a spool: what belongs to which job, and what belongs to none.
import Glibc
package import SpoolProtocol
package import SpoolStorage

package struct SpoolInventory: Sendable {
    package struct Family: Sendable {
        package var request: FileStat?
        package var status: FileStat?
        package var result: FileStat?
        package var cancel: FileStat?
    }

    package var families: [JobName: Family] = [:]
    /// What stands where the daemon's files are, and is not a regular file of its user.
    package var foreign: [(file: FileName, stat: FileStat)] = []
    /// What looks like a request, and cannot be one for its name.
    package var badNames: [(file: FileName, reason: String)] = []
    /// Visible files that no daemon looks at.
    package var ignored: [FileName] = []
    /// Hidden and temporary files, which somebody may be writing.
    package var temporary: [(file: FileName, stat: FileStat)] = []

    /// - Throws: `SpoolError`.
    package init(_ root: Directory, daemonUser: UInt32?) throws(SpoolError) {
        for entry in try root.entries() {
            // What has gone since it was listed is not there.
            if let stat = try root.visibleStat(entry) { take(entry, stat, daemonUser) }
        }
    }

    private mutating func take(_ entry: FileName, _ stat: FileStat, _ daemonUser: UInt32?) {
        let isOwn = stat.kind == .file && (daemonUser == nil || stat.owner == daemonUser)
        func output(_ name: JobName?, _ keep: (inout Family) -> Void) {
            if !isOwn {
                foreign.append((entry, stat))
            } else if let name {
                keep(&families[name, default: Family()])
            }
        }
        switch SpoolFile(entry) {
        case .request(let name): families[name, default: Family()].request = stat
        case .cancel(let name): families[name, default: Family()].cancel = stat
        case .status(let name): output(name) { $0.status = stat }
        case .result(let name): output(name) { $0.result = stat }
        case .log, .errors, .scheduleStatus, .spoolStatus, .events: output(nil) { _ in }
        case .badName(let reason): badNames.append((entry, reason))
        case .pause, .schedule: break
        case .ignored: takeIgnored(entry, stat)
        }
    }

    private mutating func takeIgnored(_ entry: FileName, _ stat: FileStat) {
        guard stat.kind == .file else { return }
        if SpoolFile.isTemporary(entry.description) {
            temporary.append((entry, stat))
        } else {
            ignored.append(entry)
        }
    }

    /// Jobs whose request no daemon may have seen, by name. What is over is told by the times of change, which nobody can
    /// set: a request that has not changed since its result was written is the one that ran.
    package var perhapsUnseen: [JobName] {
        families.compactMap { name, family in
            guard let request = family.request else { return nil }
            guard let result = family.result else { return family.status == nil ? name : nil }
            return request.changed > result.changed ? name : nil
        }.sorted()
    }
}

extension SpoolDirectory {
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`.
    package func inventory() throws(SpoolClientError) -> SpoolInventory {
        try storage { () throws(SpoolError) in
            try SpoolInventory(root, daemonUser: try JobFiles(root).daemonUser)
        }
    }

    /// Whether there is nothing to cancel under this name.
    package func isOverOrAbsent(_ name: JobName) throws(SpoolClientError) -> Bool {
        switch try view(of: name, try storage { () throws(SpoolError) in try JobFiles(root) })?.state {
        case nil, .over: true
        case .dropped, .active: false
        }
    }
}
