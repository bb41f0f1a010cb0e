/// The bytes of a file or a pipe, of which a window is in memory: a parser looks at what is between `start` and `end`, moves `start` on, and
/// asks for more when a record is not complete. Memory grows only for a record that is longer than the window.
import Glibc
import JobHandler

final class FileBuffer {
    /// A record is longer than anything that a record should be.
    static let maximumRecord = 64 << 20

    let path: String
    private let descriptor: Int32
    private(set) var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// The first byte that has not been dealt with.
    var start = 0
    private(set) var end = 0
    /// Nothing follows what is in memory.
    private(set) var isAtEnd = false
    private var read: Int64 = 0
    /// Waits until there is something to read.
    private let wait: (() throws -> Void)?

    /// - Throws: `SystemCallError`.
    init(_ path: String, capacity: Int = 1 << 18) throws(SystemCallError) {
        self.path = path
        self.capacity = capacity
        descriptor = try systemCall("open", path) { open(path, O_RDONLY | O_CLOEXEC) }
        base = .allocate(capacity: capacity)
        wait = nil
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
    }

    /// - Parameters:
    ///   - pipe: will be closed.
    ///   - wait: called before each read.
    init(pipe: Int32, name: String, wait: @escaping () throws -> Void) {
        path = name
        capacity = 1 << 16
        descriptor = pipe
        base = .allocate(capacity: capacity)
        self.wait = wait
    }

    deinit {
        base.deallocate()
        close(descriptor)
    }

    /// Bytes of the file that have been dealt with.
    var done: Int64 { read - Int64(end - start) }

    var count: Int { end - start }

    /// Reads more. `start` and `end` change, and the distance of a byte from `start` does not.
    /// - Returns: false when there is no more.
    func more() throws -> Bool {
        if isAtEnd { return false }
        if start > 0 {
            memmove(base, base + start, count)
            (start, end) = (0, count)
        }
        if end == capacity {
            guard capacity < Self.maximumRecord else {
                throw JobFailure(
                    "RECORD_TOO_LARGE", "\(path) has a record of more than 64 MiB: is it what it should be?")
            }
            let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2)
            memcpy(larger, base, end)
            base.deallocate()
            base = larger
            capacity *= 2
        }
        try wait?()
        let count = try systemCall("read", path) { Glibc.read(descriptor, base + end, capacity - end) }
        if count == 0 { isAtEnd = true }
        end += count
        read += Int64(count)
        return count > 0
    }

    /// Steps over a UTF-8 byte-order mark.
    /// - Throws: `JobFailure` for one of UTF-16, which nothing here can read.
    func skipByteOrderMark() throws {
        while count < 3, try more() {}
        if count >= 3, base[start] == 0xEF, base[start + 1] == 0xBB, base[start + 2] == 0xBF { start += 3 }
        if count >= 2, base[start] == 0xFF && base[start + 1] == 0xFE || base[start] == 0xFE && base[start + 1] == 0xFF
        {
            throw JobFailure("NOT_UTF8", "\(path) is UTF-16: convert it, for example with iconv -f UTF-16 -t UTF-8")
        }
    }
}
