/// A process that is not the daemon's child, by what proc(5) tells of it.
import Glibc
import SpoolProtocol
import SpoolStorage

/// What is needed of proc_pid_stat(5).
struct ProcessStat {
    /// It is no zombie.
    let isAlive: Bool
    /// After the machine was started.
    let startTicks: Int64

    /// nil: there is no such process.
    init?(_ process: pid_t) {
        guard let text = Self.read(process), let end = text.lastIndex(of: ")") else { return nil }
        // From the third on, which is the state; the start is the 22nd.
        let fields = text[end...].dropFirst().split(separator: " ")
        guard fields.count > 19, let ticks = Int64(fields[19]) else { return nil }
        isAlive = !["Z", "X"].contains(fields[0])
        startTicks = ticks
    }

    private static func read(_ process: pid_t) -> String? {
        do {
            return try Directory.open("/proc/\(process)").read(FileName("stat"), limit: 4096)
                .map { String(decoding: $0, as: UTF8.self) }
        } catch {
            return nil
        }
    }

    /// Number, name and user, as ps(1) shows them; nil for a process that is gone.
    static func describe(_ process: pid_t) -> String? {
        do {
            let directory = try Directory.open("/proc/\(process)")
            let name = String(decoding: try directory.read(FileName("comm")) ?? [], as: UTF8.self)
            let shown = name.unicodeScalars.filter { $0.value > 0x1F && $0.value != 0x7F }
            let owner = try directory.stat(FileName(".")).map { Users.name(of: $0.owner) } ?? "somebody"
            return "\(process) (\(String(String.UnicodeScalarView(shown)))) of \(owner)"
        } catch {
            return nil
        }
    }
}
