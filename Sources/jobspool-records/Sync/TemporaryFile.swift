/// Files that have no name and are gone with the process, however it ends.
import Glibc
import JobHandler

enum TemporaryFile {
    /// Opens a new one in $TMPDIR, or in /tmp. - Throws: `SystemCallError`.
    static func open() throws(SystemCallError) -> Int32 {
        let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(directory)/jobspool-records-XXXXXX".utf8CString)
        let path = "\(directory)/jobspool-records-XXXXXX"
        let file = try systemCall("mkstemp", path) { mkstemp(&template) }
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        unlink(template)
        return file
    }

    /// Writes all of it. - Throws: `SystemCallError`.
    static func write(_ bytes: UnsafeRawBufferPointer, to file: Int32) throws(SystemCallError) {
        var done = 0
        while done < bytes.count {
            done += try systemCall("write", "a temporary file") {
                Glibc.write(file, bytes.baseAddress! + done, bytes.count - done)
            }
        }
    }
}
