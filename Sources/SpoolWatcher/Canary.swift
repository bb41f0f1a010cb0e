/// Whether inotify is heard on this file system, found out by making a file and listening for it. It proves only that
/// this kernel's own changes are heard; whether others change the directory unheard is what `FileSystemKind` knows.
private import Glibc
import SpoolProtocol

struct Canary {
    private static let prefix = Array(".jobspool-canary-".utf8)

    let name: FileName
    private let path: String

    /// True for the name of any process's canary: it means nothing to anybody else.
    static func isCanary(_ name: FileName) -> Bool { name.bytes.starts(with: prefix) }

    init(directory: String) {
        let number = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let name = String(decoding: Self.prefix, as: UTF8.self) + "\(getpid())-\(number)"
        self.name = FileName(name)
        path = "\(directory)/\(name)"
    }

    /// Makes the file and removes it. Throws the errno.
    func sing() throws(SourceError) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else {
            throw .failed(operation: "cannot try whether inotify works, open \(path)", errno: errno)
        }
        close(file)
        unlink(path)
    }
}
