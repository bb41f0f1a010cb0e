/// The C library's descriptor, which it does not give away: looked for in proc(5), to keep it from children, who would
/// hold an instance that nobody reads for as long as they live, and from select(2), which aborts at 1024.
private import Glibc

enum InotifyDescriptor {
    private static let limit: Int32 = 1024

    /// Throws when the next descriptor would be too high.
    static func checkRoom() throws(SourceError) {
        let next = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard next >= 0 else {
            throw errno == EMFILE || errno == ENFILE
                ? .tooManyOpenFiles : .failed(operation: "open /dev/null", errno: errno)
        }
        close(next)
        if next >= limit { throw .tooManyOpenFiles }
    }

    /// Marks every inotify descriptor of the process; throws when one of them is too high after all.
    static func closeOnExec() throws(SourceError) {
        guard let directory = opendir("/proc/self/fd") else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let descriptor = Int32(name), isInotify(descriptor) else { continue }
            if descriptor >= limit { throw .tooManyOpenFiles }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    private static func isInotify(_ descriptor: Int32) -> Bool {
        var target = [CChar](repeating: 0, count: 64)
        let count = readlink("/proc/self/fd/\(descriptor)", &target, 64)
        return count > 0 && target.prefix(count).elementsEqual("anon_inode:inotify".utf8CString.dropLast())
    }
}
