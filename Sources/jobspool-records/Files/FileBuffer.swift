/// The bytes of a file or a pipe, of which a window is in memory: a parser looks at what is between `start` and `end`, moves `start` on, and
/// asks for more when a record is not complete. Memory grows only for a record that is longer than the window. The end of a file that
/// somebody has written to meanwhile is none.
import Glibc
import JSONText
import JobHandler

final class FileBuffer {
    /// A record is longer than anything that a record should be.
    static let maximumRecord = 64 << 20

    let path: String
    private let descriptor: Int32
    /// As it was opened; nil for what is no regular file.
    private let version: FileVersion?
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
        let opened = try systemCall("open", path) { open(path, O_RDONLY | O_CLOEXEC) }
        descriptor = opened
        do throws(SystemCallError) {
            version = try FileVersion(of: opened, path)
        } catch {
            close(opened)
            throw error
        }
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
        version = nil
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
    /// - Throws: as `checkUnchanged` at the end.
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
        if count == 0 {
            try checkUnchanged()
            isAtEnd = true
        }
        end += count
        read += Int64(count)
        return count > 0
    }

    /// - Throws: `JobFailure` SOURCE_CHANGED when somebody has written to the file since it was opened: what was read may be a part
    ///   of it, or of two versions.
    func checkUnchanged() throws {
        guard let version, try FileVersion(of: descriptor, path) != version else { return }
        throw JobFailure(
            "SOURCE_CHANGED",
            """
            \(path) was written to while it was read, and may not be complete: run the job when it is. A file that is written \
            under another name and renamed is always read whole.
            """, details: ["path": .string(path)], exit: .temporary)
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
