/// Checks of the spool's directory and of the two that the daemon makes in it: who may read and write there.
import SpoolProtocol
package import SpoolStorage

/// What the checks of the directories need to know.
package struct DirectoryFacts: Sendable, Equatable {
    /// As it was given, for remedies.
    package var path: String
    package var root: FileAccess
    /// `.jobspool`, nil when there is none; what is no directory says so.
    package var home: FileAccess?
    package var archive: FileAccess?
    /// It is on another file system than the spool.
    package var archiveIsElsewhere: Bool
    /// The user who asks.
    package var caller: Account
    /// The user who serves the spool; nil when nobody has yet.
    package var daemon: Account?

    package init(
        path: String, root: FileAccess, home: FileAccess?, archive: FileAccess?, archiveIsElsewhere: Bool = false,
        caller: Account, daemon: Account?
    ) {
        self.path = path
        self.root = root
        self.home = home
        self.archive = archive
        self.archiveIsElsewhere = archiveIsElsewhere
        self.caller = caller
        self.daemon = daemon
    }
}

extension DirectoryFacts {
    package var findings: [Finding] {
        [accessOfDaemon, strangers, sticky].compactMap(\.self) + [summary]
            + [homeFinding, archiveFinding].compactMap(\.self)
    }

    /// Who may do what.
    private var summary: Finding {
        let writers =
            if root.mode & 0o002 != 0 {
                "everybody may drop requests"
            } else if root.mode & 0o020 != 0 {
                "\(Users.name(of: root.owner)) and the group \(Users.name(ofGroup: root.group)) may drop requests"
            } else {
                "\(Users.name(of: root.owner)) may drop requests"
            }
        let readers = root.mode & 0o005 == 0o005 ? "everybody may look" : "not everybody may look"
        let mine =
            root.allows(.write, to: caller)
            ? "you may do both" : root.allows(.read, to: caller) ? "you may look, not drop" : "you may not even look"
        let owners = "\(Users.name(of: root.owner)):\(Users.name(ofGroup: root.group))"
        return .ok(.directory, "\(path) (mode \(root.octalMode), \(owners)): \(writers), \(readers), \(mine)")
    }

    private var accessOfDaemon: Finding? {
        guard let daemon else { return nil }
        let missing = [(FileAccess.Right.read, "read"), (.write, "write"), (.execute, "enter")]
            .filter { !root.allows($0.0, to: daemon) }.map(\.1)
        if missing.isEmpty { return nil }
        let name = Users.name(of: daemon.user)
        return .problem(
            .directory, "the daemon's user \(name) may not \(missing.joined(separator: ", ")) in the spool's directory",
            remedy: "chown \(name) \(shellQuoted(path: path)), and chmod u+rwx \(shellQuoted(path: path))")
    }

    /// Without the sticky bit whoever may write may remove and replace what is another's.
    private var strangers: Finding? {
        if root.isSticky { return nil }
        if root.mode & 0o002 != 0 {
            return .warning(
                .directory, "everybody may remove and replace other users' requests and the daemon's files",
                remedy: "chmod +t \(shellQuoted(path: path))")
        }
        return nil
    }

    private var sticky: Finding? {
        guard root.isSticky, root.mode & 0o022 != 0, let daemon, !root.letsRemoveOthersFiles(daemon),
            root.allows(.write, to: daemon)
        else { return nil }
        let name = Users.name(of: daemon.user)
        return .warning(
            .directory,
            "the sticky directory belongs to \(Users.name(of: root.owner)), so that the daemon's user \(name) can neither archive other users' requests, nor remove their cancel files and what somebody plants in the place of a job's files",
            remedy: "chown \(name) \(shellQuoted(path: path))")
    }

    private var homeFinding: Finding? {
        guard let home else { return nil }
        if !home.isDirectory {
            return .problem(
                .privateDirectory,
                "\(SpoolFile.privateDirectory) is no directory, so that no daemon can serve the spool",
                remedy: "move \(path)/\(SpoolFile.privateDirectory) away")
        }
        let owner = Users.name(of: home.owner)
        if home.mode & 0o077 != 0 {
            return .warning(
                .privateDirectory,
                "\(SpoolFile.privateDirectory) has mode \(home.octalMode): others may look into the daemon's own files",
                remedy:
                    "chmod 700 \(shellQuoted(path: "\(path)/\(SpoolFile.privateDirectory)")) (the daemon does that when it starts)"
            )
        }
        return .ok(.privateDirectory, "\(SpoolFile.privateDirectory) is \(owner)'s alone (mode \(home.octalMode))")
    }

    private var archiveFinding: Finding? {
        guard let archive else { return nil }
        let name = SpoolFile.archiveDirectory
        if archiveIsElsewhere {
            return .warning(
                .archive, "\(name)/ is on another file system than the spool: finished jobs stay in the spool",
                remedy: "put \(name)/ on the spool's file system")
        }
        if archive.isDirectory, archive.owner == daemon?.user ?? archive.owner {
            return .ok(.archive, "\(name)/ is \(Users.name(of: archive.owner))'s (mode \(archive.octalMode))")
        }
        let what =
            archive.isDirectory
            ? "belongs to \(Users.name(of: archive.owner)), not to the daemon's user" : "is no directory"
        return .warning(
            .archive, "\(name) \(what): finished jobs cannot be archived there",
            remedy: "mv \(shellQuoted(path: "\(path)/\(name)")) elsewhere")
    }
}

extension SpoolDirectory {
    /// - Throws: `SpoolClientError`: `notPermitted`, `system`.
    package func directoryFacts() throws(SpoolClientError) -> DirectoryFacts {
        try storage { () throws(SpoolError) -> DirectoryFacts in
            let home = try root.stat(FileName(SpoolFile.privateDirectory)).map(FileAccess.init)
            let here = try root.stat()
            let archive = try root.stat(FileName(SpoolFile.archiveDirectory))
            return DirectoryFacts(
                path: path, root: FileAccess(here), home: home, archive: archive.map(FileAccess.init),
                archiveIsElsewhere: archive.map { $0.device != here.device } ?? false, caller: .current,
                daemon: home.map { Account($0.owner) })
        }
    }
}
