/// This process's open descriptors and threads, as proc(5) has them.
import Glibc

func entries(of directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        names.append(
            withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            })
    }
    return names.filter { $0 != "." && $0 != ".." }
}

func inotifyDescriptors() -> [Int32] {
    entries(of: "/proc/self/fd").compactMap { Int32($0) }.filter { descriptor in
        var target = [CChar](repeating: 0, count: 64)
        let count = readlink("/proc/self/fd/\(descriptor)", &target, 64)
        return count > 0 && target.prefix(count).elementsEqual("anon_inode:inotify".utf8CString.dropLast())
    }
}

/// The whole of a small file; empty when it cannot be read.
func contents(of path: String) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 8192)
    let count = read(file, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
}

/// How often the watching thread went to sleep; nil when there is none.
func sleepsOfWatchingThread() -> Int? {
    for thread in entries(of: "/proc/self/task")
    where contents(of: "/proc/self/task/\(thread)/comm") == "spool-watcher\n" {
        for line in contents(of: "/proc/self/task/\(thread)/status").split(separator: "\n") {
            if line.hasPrefix("voluntary_ctxt_switches:") {
                return line.split(separator: "\t").last.flatMap { Int($0) }
            }
        }
    }
    return nil
}
