/// The names under which files are written before they are renamed into place. A run that was killed leaves some behind;
/// the next run that comes by removes them. Such names are ours: a source's are not copied, a target's are no documents.
/// Only those are that a run makes, to the last digit: a name that begins alike is anybody's.
///
/// A file that another run is writing at this moment is told from a leftover by its lock (flock(2)), which the kernel
/// frees when its process ends.
import Glibc
import JobHandler

enum Leftover {
    static let prefix = ".jobspool-documents-"
    private static let prefixName = name(prefix.utf8)
    private static let digits = 16

    static func isOne(_ name: UnsafePointer<CChar>) -> Bool {
        let length = prefixName.count - 1
        guard strncmp(name, prefixName, length) == 0 else { return false }
        return strspn(name + length, "0123456789abcdef") == digits && name[length + digits] == 0
    }

    /// A name that nothing else has.
    static func newName() -> Name {
        let random = String(UInt64.random(in: .min ... .max), radix: 16)
        return name((prefix + String(repeating: "0", count: digits - random.count) + random).utf8)
    }

    /// Removes a leftover, unless somebody is writing it or has removed it meanwhile.
    static func remove(_ name: UnsafePointer<CChar>, in directory: Descriptor, _ path: String) throws(SystemCallError) {
        do {
            let status = try FileStatus(of: name, in: directory, path)
            guard status.kind != .directory else { return }
            if status.kind == .regular {
                let file = try Descriptor.open(name, in: directory, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, path)
                guard flock(file.raw, LOCK_EX | LOCK_NB) == 0 else { return }
                try systemCall("unlink", path) { unlinkat(directory.raw, name, 0) }
            } else {
                try systemCall("unlink", path) { unlinkat(directory.raw, name, 0) }
            }
        } catch {
            if error.errno != ENOENT { throw error }
        }
    }
}
