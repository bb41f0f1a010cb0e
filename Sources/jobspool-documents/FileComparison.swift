/// Whether two open files hold the same bytes.
import Glibc
import JobHandler

struct FileComparison {
    private var first = [UInt8](repeating: 0, count: 256 << 10)
    private var second = [UInt8](repeating: 0, count: 256 << 10)

    /// - Parameter onChunk: told between chunks how many bytes were found equal; may throw to give up.
    /// - Throws: `SystemCallError`, or what `onChunk` throws.
    mutating func areEqual(
        _ a: Descriptor, _ b: Descriptor, _ path: @autoclosure () -> String, onChunk: (Int64) throws -> Void
    ) throws -> Bool {
        var offset: Int64 = 0
        while true {
            let count = try Self.read(a, &first, offset, path())
            guard count == (try Self.read(b, &second, offset, path())) else { return false }
            if count == 0 { return true }
            guard memcmp(first, second, count) == 0 else { return false }
            if count < first.count { return true }
            offset += Int64(count)
            try onChunk(offset)
        }
    }

    /// Fills the buffer as far as the file goes.
    private static func read(
        _ file: Descriptor, _ buffer: inout [UInt8], _ offset: Int64, _ path: @autoclosure () -> String
    ) throws(SystemCallError) -> Int {
        var filled = 0
        let size = buffer.count
        while filled < size {
            let count = try buffer.withUnsafeMutableBufferPointer { (buffer) throws(SystemCallError) in
                try systemCall("read", path()) {
                    pread(file.raw, buffer.baseAddress! + filled, size - filled, off_t(offset) + off_t(filled))
                }
            }
            if count == 0 { break }
            filled += count
        }
        return filled
    }
}
