/// A look through a directory that can be taken in steps: readdir(3). What comes or goes meanwhile may be among the names or not.
package import SpoolProtocol
import Glibc

package final class DirectoryListing {
    private let directory: Directory
    private let stream: OpaquePointer

    /// - Throws: `SpoolError` when the directory cannot be opened once more.
    package init(of directory: Directory) throws(SpoolError) {
        self.directory = directory
        let system = directory.system
        let copy = try system.perform(.open, directory.path) {
            openat(directory.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        var opened: OpaquePointer?
        do throws(SpoolError) {
            try system.perform(.list, directory.path) {
                opened = fdopendir(copy)
                return opened == nil ? -1 : 0
            }
        } catch {
            _ = close(copy)
            throw error
        }
        guard let opened else { preconditionFailure("fdopendir(3) returned neither a stream nor an error") }
        stream = opened
    }

    deinit { closedir(stream) }

    /// The next name, in no order; nil after the last one. Not `.` and `..`.
    package func next() throws(SpoolError) -> FileName? {
        while true {
            var next: UnsafeMutablePointer<dirent>?
            try directory.system.perform(.list, directory.path) {
                errno = 0
                next = readdir(stream)
                return next == nil && errno != 0 ? -1 : 0
            }
            guard let entry = next else { return nil }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != [0x2E], name != [0x2E, 0x2E] { return FileName(bytes: name) }
        }
    }
}
