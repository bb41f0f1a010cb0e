/// Reads a request that a command is given: a file, or standard input.
import Glibc
import SpoolClient
import SpoolProtocol

/// Never more than a little over the largest request: what is larger is refused, not read.
/// - Throws: `InputError`.
func readInput(_ path: String) throws -> [UInt8] {
    let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw InputError(path: path, code: errno) }
    defer { if path != "-" { close(descriptor) } }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= Request.maximumBytes {
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        if count < 0 { throw InputError(path: path, code: errno) }
        if count == 0 { break }
        bytes += buffer[..<count]
    }
    return bytes
}

/// A file that could not be read.
struct InputError: Error {
    let path: String
    /// errno(3)
    let code: Int32

    var message: String { "\(path): \(String(cString: strerror(code)))" }

    var exitStatus: ExitStatus {
        switch code {
        case ENOENT, ENOTDIR, EISDIR: .noSpool
        case EACCES, EPERM: .noPermission
        default: .inputOutput
        }
    }
}
