/// Copies the contents of one file. Uses what the kernel offers, the cheapest first: sharing the blocks (FICLONE),
/// copying inside the kernel (sendfile(2)), and plain reading and writing where neither works. Holes stay holes.
import Glibc
import JobHandler

struct FileCopy {
    let source: Descriptor
    let target: Descriptor
    let path: String
    /// Told between chunks how many bytes are done; may throw to give up.
    let onChunk: (Int64) throws -> Void

    /// Bytes that are copied between two looks at whether to stop.
    static let chunk = 8 << 20
    private static let seekData: Int32 = 3
    private static let seekHole: Int32 = 4
    private static let cloneRequest: UInt = 0x4004_9409
    /// Below this a clone costs more than it saves.
    private static let cloneThreshold: Int64 = 64 << 10

    /// - Parameter status: of the source, before.
    /// - Returns: the bytes that the source had; more or less than its size when somebody writes to it.
    /// - Throws: `SystemCallError`, or what `onChunk` throws.
    func copy(_ status: FileStatus) throws -> Int64 {
        if status.size >= Self.cloneThreshold, ioctl(target.raw, Self.cloneRequest, source.raw) == 0 {
            try onChunk(status.size)
            return status.size
        }
        return status.isSparse ? try copyExtents(status.size) : try copyRange(from: 0, to: .max)
    }

    /// Copies what is data (lseek(2), SEEK_DATA) and leaves out the holes between.
    private func copyExtents(_ size: Int64) throws -> Int64 {
        var at: Int64 = 0
        while at < size {
            let data: Int64
            do {
                data = Int64(try systemCall("lseek", path) { lseek(source.raw, off_t(at), Self.seekData) })
            } catch {
                // Nothing but a hole from here on.
                if error.errno == ENXIO { break }
                // A file system that knows no holes.
                if error.errno == EINVAL { return try copyRange(from: at, to: .max) }
                throw error
            }
            let hole = Int64(try systemCall("lseek", path) { lseek(source.raw, off_t(data), Self.seekHole) })
            try systemCall("lseek", path) { lseek(target.raw, off_t(data), SEEK_SET) }
            at = try copyRange(from: data, to: hole)
            if at < hole { return at }
        }
        try systemCall("ftruncate", path) { ftruncate(target.raw, off_t(size)) }
        return size
    }

    /// - Returns: the offset that was reached: `end`, or the end of the file.
    private func copyRange(from start: Int64, to end: Int64) throws -> Int64 {
        var offset = off_t(start)
        do {
            while Int64(offset) < end {
                let wanted = Int(min(end - Int64(offset), Int64(Self.chunk)))
                let count = try systemCall("sendfile", path) { sendfile(target.raw, source.raw, &offset, wanted) }
                if count == 0 { break }
                try onChunk(Int64(offset))
            }
            return Int64(offset)
        } catch let error as SystemCallError where error.errno == EINVAL || error.errno == ENOSYS {
            return try readAndWrite(from: Int64(offset), to: end)
        }
    }

    private func readAndWrite(from start: Int64, to end: Int64) throws -> Int64 {
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        var offset = start
        while offset < end {
            let wanted = min(buffer.count, Int(min(end - offset, Int64(buffer.count))))
            let count = try systemCall("read", path) { pread(source.raw, &buffer, wanted, off_t(offset)) }
            if count == 0 { break }
            var written = 0
            while written < count {
                written += try systemCall("write", path) {
                    buffer.withUnsafeBytes { write(target.raw, $0.baseAddress! + written, count - written) }
                }
            }
            offset += Int64(count)
            try onChunk(offset)
        }
        return offset
    }
}
