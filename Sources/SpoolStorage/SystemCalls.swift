/// The one seam to the kernel: every system call of the storage passes through `SystemCalls.perform`, so that a test can
/// make the N-th one fail or cut it short, and can see what reaches the disk in which order. EINTR is retried here and nowhere else.
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

    package var description: String { "\(operation.rawValue) \(path): \(reason)" }

    /// strerror(3), and what helps where that is not plain.
    package var reason: String {
        let text = String(cString: strerror(code))
        return code == EMFILE ? "\(text) (this process may have no more: see `ulimit -n`)" : text
    }

    /// The disk is full or a quota is used up: it passes when somebody makes room.
    package var isOutOfSpace: Bool { code == ENOSPC || code == EDQUOT }

    /// Another user's file or directory is in the way, or a file system is mounted there (EBUSY of rename(2)): trying again does not help.
    package var isForbidden: Bool { code == EPERM || code == EACCES || code == EBUSY }
}

package enum SystemOperation: String, Sendable, CaseIterable {
    case open, read, write, rename, link, unlink, stat, list, lock, truncate, touch
    case allocate = "fallocate"
    case syncData = "fdatasync"
    case sync = "fsync"
    case syncFileSystem = "syncfs"
    case makeDirectory = "mkdir"
    case removeDirectory = "rmdir"
    case makeFIFO = "mkfifo"
    case changeMode = "chmod"
    case spawn = "execve"
}

/// A system call that is about to be made.
package struct SystemCall: Sendable {
    package let operation: SystemOperation
    package let path: String
    /// What a write or a sync is about; nil for calls that name a path.
    package let descriptor: Int32?
}

package struct SystemCalls: Sendable {
    /// Stands before the kernel: makes the call, of which it may let a write take no more than so many bytes, or sets errno and
    /// returns -1 as the kernel does.
    package typealias Interception = @Sendable (SystemCall, _ make: (_ limit: Int) -> Int) -> Int

    private let interception: Interception?

    /// The calls as they are.
    package static let real = SystemCalls(interception: nil)

    private init(interception: Interception?) { self.interception = interception }

    package init(_ interception: @escaping Interception) { self.interception = interception }

    /// Asked before each call: an errno makes it fail without having been made.
    package init(fault: @escaping @Sendable (SystemOperation, String) -> Int32?) {
        interception = { call, make in
            guard let code = fault(call.operation, call.path) else { return make(.max) }
            errno = code
            return -1
        }
    }

    /// Makes a call that returns -1 for failure with errno set.
    @discardableResult
    package func perform<Result: SignedInteger>(
        _ operation: SystemOperation, _ path: @autoclosure () -> String, descriptor: Int32? = nil,
        _ call: () -> Result
    ) throws(SpoolError) -> Result {
        while true {
            let result: Result
            if let interception {
                result = Result(interception(SystemCall(operation, path(), descriptor)) { _ in Int(call()) })
            } else {
                result = call()
            }
            if result != -1 { return result }
            let code = errno
            if code != EINTR { throw SpoolError(operation, path(), code: code) }
        }
    }

    /// write(2), once: how much of the buffer was taken. It is not empty.
    func write(
        _ descriptor: Int32, _ buffer: UnsafeRawBufferPointer, _ path: @autoclosure () -> String
    ) throws(SpoolError) -> Int {
        while true {
            let result: Int
            if let interception {
                result = interception(SystemCall(.write, path(), descriptor)) { limit in
                    Glibc.write(descriptor, buffer.baseAddress, min(limit, buffer.count))
                }
            } else {
                result = Glibc.write(descriptor, buffer.baseAddress, buffer.count)
            }
            if result != -1 { return result }
            let code = errno
            if code != EINTR { throw SpoolError(.write, path(), code: code) }
        }
    }
}

extension SystemCall {
    fileprivate init(_ operation: SystemOperation, _ path: String, _ descriptor: Int32?) {
        self.operation = operation
        self.path = path
        self.descriptor = descriptor
    }
}
