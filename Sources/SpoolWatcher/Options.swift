/// What the owner of a watch may choose, and what a test may replace.
package import SpoolProtocol

extension DirectoryWatcher {
    package struct Options: Sendable {
        /// How often everything is looked at although nothing was heard; whole seconds, at least one, in inotify mode.
        package var rescanInterval: Duration = .seconds(60)
        /// How often everything is looked at where inotify is silent.
        package var pollInterval: Duration = .seconds(1)
        /// How often a directory that is gone is looked for.
        package var retryInterval: Duration = .seconds(1)
        /// How long a file of our own may stay unheard before inotify is held to be silent.
        package var canaryDeadline: Duration = .seconds(2)
        /// nil: by file system type and canary.
        package var forcedMode: IntakeMode?
        /// Past so many hints that nobody has taken, one rescan stands for all of them.
        package var pendingLimit = 10_000
        /// Names that it says no to make no hint. It runs on the watching thread and must not block.
        package var isOfInterest: @Sendable (FileName) -> Bool = { _ in true }

        package init() {}
    }

    /// The two things that a test replaces: what statfs(2) says, and the C library.
    package struct Seams: Sendable {
        package var fileSystem: @Sendable (_ path: String) -> FileSystemKind = FileSystemKind.init(path:)
        package var makeSource: @Sendable () -> any EventSource = { InotifySource() }

        package init() {}
    }
}
