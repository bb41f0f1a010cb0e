/// An open directory: the place from which names are looked up, so that nothing depends on what a path means a moment
/// later. Below a root no symbolic link is ever followed.
import Glibc
import JobHandler

/// A file name as C wants it, with a NUL at the end.
typealias Name = [CChar]

/// A descriptor that closes itself.
final class Descriptor {
    let raw: Int32

    init(_ raw: Int32) { self.raw = raw }
    deinit { close(raw) }

    /// Opens a name in a directory, or any path when there is none. - Throws: `SystemCallError`.
    static func open(
        _ name: UnsafePointer<CChar>, in directory: Descriptor?, _ flags: Int32, mode: mode_t = 0,
        _ path: @autoclosure () -> String
    ) throws(SystemCallError) -> Descriptor {
        Descriptor(try systemCall("open", path()) { openat(directory?.raw ?? AT_FDCWD, name, flags | O_CLOEXEC, mode) })
    }
}

extension Descriptor {
    /// Opens a directory by its path, following symbolic links: for the roots, which the administrator names.
    static func root(_ path: String) throws(SystemCallError) -> Descriptor {
        try open(path, in: nil, O_RDONLY | O_DIRECTORY, path)
    }

    /// Opens a directory in this one, which must not be a symbolic link.
    func directory(_ name: UnsafePointer<CChar>, _ path: @autoclosure () -> String) throws(SystemCallError)
        -> Descriptor
    {
        try .open(name, in: self, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, path())
    }

    /// Opens a directory below this one, name by name, none of which may be a symbolic link.
    /// - Parameter path: names joined by slashes; empty for this one.
    func directory(below path: some Collection<UInt8>) throws(SystemCallError) -> Descriptor {
        var current = self
        for component in path.split(separator: UInt8(ascii: "/")) {
            current = try current.directory(name(component), display(path))
        }
        return current
    }

    /// O_PATH of open(2), which glibc's module leaves out: a place to look from, for which no right to read is needed.
    private static let pathOnly: Int32 = 0o10_000_000

    /// Whether this directory is `other`, or somewhere below it.
    func isWithin(_ other: FileIdentity) throws(SystemCallError) -> Bool {
        var current = self
        var identity = try FileStatus(of: self, "directory").identity
        while identity != other {
            let parent = try Descriptor.open("..", in: current, Self.pathOnly | O_DIRECTORY, "..")
            let parentIdentity = try FileStatus(of: parent, "..").identity
            if parentIdentity == identity { return false }
            (current, identity) = (parent, parentIdentity)
        }
        return true
    }
}

func name(_ bytes: some Sequence<UInt8>) -> Name { bytes.map { CChar(bitPattern: $0) } + [0] }

/// A path for people; bytes that are not UTF-8 are replaced.
func display(_ path: some Collection<UInt8>) -> String { String(decoding: path, as: UTF8.self) }
