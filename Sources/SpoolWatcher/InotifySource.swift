/// The only caller of libinotifytools (3.22.6), around what it is:
///
/// - one instance per process, so every opening is a fresh one: its tables keep the names of watches that the kernel has
///   ended, and find those first;
/// - its event buffer outlives the instance, so closing reads to the very last event, else the rest would come again;
/// - its wait takes whole seconds, and zero means for ever;
/// - its descriptor is inherited by children unless marked, and one of 1024 or more would abort the process.
private import CInotifyTools
private import Glibc
import SpoolProtocol

final class InotifySource: EventSource {
    // IN_CREATE is all that link(2) raises, IN_ATTRIB all that touch(1) does. Not IN_MODIFY: a slow writer would raise
    // one for every write, and its IN_CLOSE_WRITE says it all.
    private static let mask =
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_MOVE_SELF
        | IN_DELETE_SELF | Int32(IN_ONLYDIR)

    private var directoryWatch: Int32 = -1
    private var wakeWatch: Int32 = -1
    private var isDirectoryWatched = false

    func open(directory: String, wakeFile: String) throws(SourceError) {
        try InotifyDescriptor.checkRoom()
        guard inotifytools_initialize() == 1 else {
            throw inotifytools_error() == EMFILE
                ? .tooManyInstances : .failed(operation: "inotify_init", errno: inotifytools_error())
        }
        do throws(SourceError) {
            try InotifyDescriptor.closeOnExec()
            wakeWatch = try watch(wakeFile, for: IN_ACCESS)
            // The slash makes a symbolic link to a directory a directory to the library too.
            directoryWatch = try watch(directory + "/", for: Self.mask)
            isDirectoryWatched = true
        } catch {
            inotifytools_cleanup()
            throw error
        }
    }

    private func watch(_ path: String, for mask: Int32) throws(SourceError) -> Int32 {
        guard inotifytools_watch_file(path, mask) == 1 else {
            let code = inotifytools_error()
            throw code == ENOSPC ? .tooManyWatches : .failed(operation: "inotify_add_watch \(path)", errno: code)
        }
        return inotifytools_wd_from_filename(path)
    }

    func next(seconds: Int) -> SourceEvent {
        guard let event = inotifytools_next_event(max(1, seconds)) else {
            let code = inotifytools_error()
            return code == 0 || code == EINTR ? .nothing : .failed(errno: code)
        }
        let mask = Int32(bitPattern: event.pointee.mask)
        if mask & Int32(IN_Q_OVERFLOW) != 0 { return .overflow }
        guard event.pointee.wd == directoryWatch else { return .nothing }
        if mask & (IN_DELETE_SELF | Int32(IN_UNMOUNT) | Int32(IN_IGNORED)) != 0 {
            isDirectoryWatched = false
            return .gone
        }
        if mask & IN_MOVE_SELF != 0 { return .moved }
        if mask & Int32(IN_ISDIR) != 0 {
            if mask & IN_DELETE != 0 { return .subdirectoryDeleted }
            // One that appears may bear a request's name, and somebody waits to hear that it is none.
            guard mask & (IN_CREATE | IN_MOVED_TO) != 0 else { return .nothing }
        }
        guard event.pointee.len > 0 else { return .nothing }
        // The name follows the fixed part and is padded with NULs.
        let name = UnsafeRawBufferPointer(
            start: UnsafeRawPointer(event) + MemoryLayout<inotify_event>.size, count: Int(event.pointee.len))
        return .entry(FileName(bytes: Array(name.prefix { $0 != 0 })))
    }

    func close() {
        // With no watch left there are no further events, and the end of the last watch is the last event.
        if isDirectoryWatched { inotifytools_remove_watch_by_wd(directoryWatch) }
        inotifytools_remove_watch_by_wd(wakeWatch)
        while let event = inotifytools_next_event(1) {
            if event.pointee.wd == wakeWatch, event.pointee.mask & UInt32(IN_IGNORED) != 0 { break }
        }
        inotifytools_cleanup()
        isDirectoryWatched = false
    }
}
