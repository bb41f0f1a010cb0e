/// The process's file mode creation mask: umask(2), which cannot be asked for without being set, and so is read from proc(5).
import Glibc

enum ProcessUmask {
    /// As it was when it was first asked for. Without /proc: what nearly every system has.
    static let bits: UInt32 = {
        guard let file = fopen("/proc/self/status", "re") else { return 0o022 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix("Umask:") else { continue }
            return UInt32(text.dropFirst(6).filter(\.isNumber), radix: 8) ?? 0o022
        }
        return 0o022
    }()
}
