/// Checks of what lies in a spool: files that nobody takes up, and files that count for nothing.
package import SpoolProtocol
import SpoolStorage

extension SpoolInventory {
    /// Names that keep a file from being a request.
    package func nameFindings(now: Timestamp) -> [Finding] {
        var findings = badNames.prefix(Self.limit).map { bad in
            Finding.warning(.names, "\(bad.file) is never taken up: \(bad.reason)", remedy: "rename it, or remove it")
        }
        if badNames.count > Self.limit {
            findings.append(
                .warning(
                    .names, "\(badNames.count) files have names that no job can have",
                    remedy: "rename them, or remove them"))
        }
        let similar = ignored.map(\.description).filter(Self.looksLikeRequest).sorted()
        if !similar.isEmpty {
            findings.append(
                .warning(
                    .names, "\(listed(similar)): never taken up, for the name of a request ends in .json",
                    remedy: "rename to NAME.json what is meant to run"))
        }
        let old = temporary.filter { now.seconds(since: $0.stat.fingerprint.modifiedAt) > Self.oldAfter }
        if !old.isEmpty {
            let names = old.map(\.file.description).sorted()
            findings.append(
                .warning(
                    .names,
                    "\(counted(old.count, "temporary file")) older than a day: \(listed(names)): nobody seems to write there any more",
                    remedy: "remove what no program is writing"))
        }
        return findings.isEmpty ? [.ok(.names, "no file is passed over for its name")] : findings
    }

    /// One line each up to here.
    private static let limit = 5
    private static let oldAfter: Double = 86_400

    private static func looksLikeRequest(_ name: String) -> Bool {
        let name = name.lowercased()
        return name.contains(".json") && !name.hasSuffix(".jsonl") || name.hasSuffix(".jsn")
    }

    /// Statuses, results and logs that the daemon did not write.
    package var outputFindings: [Finding] {
        if foreign.isEmpty { return [.ok(.outputs, "all statuses, results and logs are the daemon's own")] }
        return Dictionary(grouping: foreign, by: \.stat.owner).sorted { $0.key < $1.key }.map { owner, files in
            let names = files.map { $0.stat.kind == .file ? "\($0.file)" : "\($0.file) (\($0.stat.kind.rawValue))" }
                .sorted()
            return .warning(
                .outputs,
                "not written by the daemon, and counting for nothing: \(listed(names)), of \(Users.name(of: owner))",
                remedy:
                    "remove what \(Users.name(of: owner)) put there; the daemon moves it aside when it needs the name")
        }
    }

    /// Cancel files that cancel nothing.
    /// - Parameter isOver: whether a job is over, or there is none
    package func cancelFindings(
        now: Timestamp, daemonIsRunning: Bool, isOver: (JobName) throws(SpoolClientError) -> Bool
    ) throws(SpoolClientError) -> [Finding] {
        var idle: [(name: JobName, stat: FileStat)] = []
        for (name, family) in families {
            // A daemon that runs is given a moment.
            guard let cancel = family.cancel, now.seconds(since: cancel.fingerprint.modifiedAt) > 10, try isOver(name)
            else {
                continue
            }
            idle.append((name, cancel))
        }
        if idle.isEmpty { return [.ok(.cancels, "no cancel file without a job")] }
        let names = idle.map { "\(SpoolFile.cancel($0.name).fileName!) of \(Users.name(of: $0.stat.owner))" }.sorted()
        let remedy =
            daemonIsRunning
            ? "remove them: the daemon has not done it, perhaps because it may not (see the spool's directory)"
            : "remove them, or let the next daemon do it"
        return [.warning(.cancels, "cancel files without a job that is not over: \(listed(names))", remedy: remedy)]
    }
}
