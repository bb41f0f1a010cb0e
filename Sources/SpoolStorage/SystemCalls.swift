/// The one seam to the kernel: every system call of the storage passes through `SystemCalls.perform`, so that a test can
/// make the N-th one fail. EINTR is retried here and nowhere else.
import Glibc

/// A system call that failed: what was tried, on what, and why.
package struct SpoolError: Error, Equatable, CustomStringConvertible {
    package let operation: SystemOperation
    package let path: String
    /// errno(3)
    package let code: Int32

    package init(_ operation: SystemOperation, _ path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    package var description: String { "\(operation.rawValue) \(path): \(String(cString: strerror(code)))" }

    /// The disk is full or a quota is used up: it passes when somebody makes room.
    package var isOutOfSpace: Bool { code == ENOSPC || code == EDQUOT }

    /// Another user's file or directory is in the way: trying again does not help.
    package var isForbidden: Bool { code == EPERM || code == EACCES }
}

package enum SystemOperation: String, Sendable, CaseIterable {
    case open, read, write, sync, rename, link, unlink, stat, list, lock, truncate, touch
    case makeDirectory = "mkdir"
    case removeDirectory = "rmdir"
    case makeFIFO = "mkfifo"
    case changeMode = "chmod"
    case spawn = "posix_spawn"
}

package struct SystemCalls: Sendable {
    /// Asked before each call: an errno makes it fail without having been made.
    private let fault: (@Sendable (SystemOperation, String) -> Int32?)?

    /// The calls as they are.
    package static let real = SystemCalls(fault: nil)

    package init(fault: (@Sendable (SystemOperation, String) -> Int32?)?) { self.fault = fault }

    /// Makes a call that returns -1 for failure with errno set.
    @discardableResult
    package func perform<Result: SignedInteger>(
        _ operation: SystemOperation, _ path: @autoclosure () -> String, _ call: () -> Result
    ) throws(SpoolError) -> Result {
        while true {
            if let code = fault?(operation, path()) {
                if code == EINTR { continue }
                throw SpoolError(operation, path(), code: code)
            }
            let result = call()
            if result != -1 { return result }
            let code = errno
            if code != EINTR { throw SpoolError(operation, path(), code: code) }
        }
    }
}
