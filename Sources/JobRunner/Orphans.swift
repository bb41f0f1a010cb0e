/// Processes of an attempt whose supervisor was killed. They are found by what makes them the attempt's: they have its
/// output open for writing (proc(5)), which is what holds its lock.
import Glibc
import SpoolProtocol
import SpoolStorage

enum Orphans {
    /// Sends a signal to every process that could still write to one of the attempt's outputs.
    static func signal(_ signal: Int32, holdersOf directory: Directory) throws(SpoolError) {
        var outputs: [FileStat] = []
        for name in [AttemptFile.standardOutput, AttemptFile.standardError] {
            if let stat = try directory.stat(name) { outputs.append(stat) }
        }
        for process in try processes() where process != getpid() && holds(process, outputs) {
            _ = kill(process, signal)
        }
    }

    private static func processes() throws(SpoolError) -> [pid_t] {
        try Directory.open("/proc").entries().compactMap { $0.string.flatMap { pid_t($0) } }
    }

    private static func holds(_ process: pid_t, _ outputs: [FileStat]) -> Bool {
        do {
            return try Directory.open("/proc/\(process)/fd").entries().contains { name in
                guard let number = name.string, isOpenForWriting(process, number) else { return false }
                return try FileStat(following: "/proc/\(process)/fd/\(number)").map { found in
                    outputs.contains { $0.isSameFile(as: found) }
                } ?? false
            }
        } catch {
            // It has ended meanwhile, or is another user's and so none of the attempt's.
            return false
        }
    }

    /// By the octal `flags` line of proc_pid_fdinfo(5): somebody who only reads along is left alone.
    private static func isOpenForWriting(_ process: pid_t, _ descriptor: String) -> Bool {
        guard let file = fopen("/proc/\(process)/fdinfo/\(descriptor)", "re") else { return false }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = fread(&bytes, 1, bytes.count, file)
        let lines = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n")
        let flags = lines.first { $0.hasPrefix("flags:") }?.split(separator: "\t").last.flatMap { Int32($0, radix: 8) }
        return flags.map { $0 & O_ACCMODE != O_RDONLY } ?? false
    }
}
