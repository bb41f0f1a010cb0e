/// Processes of an attempt whose supervisor was killed. They are found by what makes them the attempt's: they have its
/// output open for writing (proc(5)), which is what holds its lock, or its job_id in the environment that they were
/// started with, whatever they have done to their outputs; and the handler by what its supervisor wrote down (`HandlerTrace`).
import Glibc
import SpoolProtocol
import SpoolStorage

enum Orphans {
    /// Sends a signal to every process of the attempt.
    static func signal(_ signal: Int32, of jobID: String, _ attempt: AttemptProcess) throws(SpoolError) {
        for process in try find(of: jobID, attempt) { _ = kill(process, signal) }
    }

    /// Whether a process of the attempt is left.
    static func exist(of jobID: String, _ attempt: AttemptProcess) throws(SpoolError) -> Bool {
        try !find(of: jobID, attempt).isEmpty
    }

    static func find(of jobID: String, _ attempt: AttemptProcess) throws(SpoolError) -> [pid_t] {
        let directory = attempt.directory
        var outputs: [FileStat] = []
        for name in [AttemptFile.standardOutput, AttemptFile.standardError] {
            if let stat = try directory.stat(name) { outputs.append(stat) }
        }
        let variable = Array("JOBSPOOL_JOB_ID=\(jobID)".utf8)
        let traced = Set(try attempt.trace()?.living() ?? [])
        return try processes().filter { process in
            process != getpid()
                && (traced.contains(process) || holds(process, outputs) || wasStarted(process, with: variable))
        }
    }

    /// A zombie has no environment any more, and another user's process shows none.
    private static func wasStarted(_ process: pid_t, with variable: [UInt8]) -> Bool {
        do {
            let environment = try Directory.open("/proc/\(process)").read(FileName("environ")) ?? []
            return environment.split(separator: 0).contains { $0.elementsEqual(variable) }
        } catch {
            return false
        }
    }

    static func processes() throws(SpoolError) -> [pid_t] {
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
