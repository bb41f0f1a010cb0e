/// Whether the machine has been started anew since a daemon served the spool. Then it may have lost its power, and what had not been
/// synced may be missing from files whose names are there: file systems keep names in order, but not contents.
import Glibc
import SpoolProtocol

extension Spool {
    private static let bootMark = FileName("boot")

    /// Whether no daemon has said `markBoot` since the machine was started.
    package func isFirst(sinceBoot id: String) throws(SpoolError) -> Bool {
        String(decoding: try home.read(Self.bootMark, limit: 4096) ?? [], as: UTF8.self) != id
    }

    /// Whether a daemon has served the spool before.
    package func hasBootMark() throws(SpoolError) -> Bool { try home.stat(Self.bootMark) != nil }

    /// What a power cut may have left half-done has been seen to.
    package func markBoot(_ id: String) throws(SpoolError) {
        try publish(Array(id.utf8), as: Self.bootMark, in: home, .whole)
    }

    /// The kernel's name for the time since the machine was started; another one each time where it does not tell.
    package static var bootID: String {
        do {
            let bytes = try Directory.open("/proc/sys/kernel/random").read(FileName("boot_id"), limit: 4096) ?? []
            let id = String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
            return id.isEmpty ? makeUUID() : id
        } catch {
            return makeUUID()
        }
    }
}
