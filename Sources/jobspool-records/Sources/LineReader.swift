/// Reads a file line by line, with a buffer that grows only for a line that is longer.
import Glibc
import JobHandler

final class LineReader {
    private let descriptor: Int32
    private let path: String
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    private var start = 0
    private var end = 0
    private var isAtEnd = false
    /// The number of the line that was read last, from 1.
    private(set) var line = 0

    /// - Throws: `SystemCallError`.
    init(_ path: String) throws(SystemCallError) {
        self.path = path
        descriptor = try systemCall("open", path) { open(path, O_RDONLY | O_CLOEXEC) }
    }

    deinit { close(descriptor) }

    /// Calls `body` with the next line without its line break; false at the end.
    func next(_ body: (UnsafeBufferPointer<UInt8>) throws -> Void) throws -> Bool {
        var searched = start
        while true {
            let found: Int? = buffer.withUnsafeBufferPointer { buffer in
                guard searched < end, let base = buffer.baseAddress,
                    let hit = memchr(base + searched, 0x0A, end - searched)
                else { return nil }
                return UnsafeRawPointer(hit) - UnsafeRawPointer(base)
            }
            if let found {
                line += 1
                let first = start
                start = found + 1
                try buffer.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[first..<found])) }
                return true
            }
            searched = end
            if isAtEnd {
                guard start < end else { return false }
                line += 1
                let first = start
                start = end
                try buffer.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[first..<end])) }
                return true
            }
            searched -= start
            try fill()
        }
    }

    private func fill() throws {
        if start > 0 {
            buffer.withUnsafeMutableBufferPointer { buffer in
                _ = memmove(buffer.baseAddress!, buffer.baseAddress! + start, end - start)
            }
            end -= start
            start = 0
        }
        if end == buffer.count { buffer.append(contentsOf: repeatElement(0, count: buffer.count)) }
        let (file, first) = (descriptor, end)
        let count = try buffer.withUnsafeMutableBytes { buffer in
            try systemCall("read", path) { read(file, buffer.baseAddress! + first, buffer.count - first) }
        }
        if count == 0 { isAtEnd = true }
        end += count
    }
}
