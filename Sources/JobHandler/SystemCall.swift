/// The one place where system calls are retried after a signal (EINTR) and where errno becomes a value.
import Glibc

/// A system call that failed: what was tried, on what, and why.
public struct SystemCallError: Error, Equatable, CustomStringConvertible {
    /// The call as its manual page names it: "open", "rename".
    public let operation: String
    /// The path as people should read it, or what else the call was about ("standard output").
    public let path: String
    /// The value of errno(3).
    public let errno: Int32

    public init(operation: String, path: String, errno: Int32) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    public var description: String { "\(operation) \(path): \(String(cString: strerror(errno)))" }
}

/// Makes a call that returns -1 and sets errno when it fails; makes it again when a signal interrupted it.
/// - Throws: `SystemCallError`.
@discardableResult
package func systemCall<Result: SignedInteger>(
    _ operation: StaticString, _ path: @autoclosure () -> String, _ call: () -> Result
) throws(SystemCallError) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        let code = errno
        if code != EINTR { throw SystemCallError(operation: "\(operation)", path: path(), errno: code) }
    }
}
