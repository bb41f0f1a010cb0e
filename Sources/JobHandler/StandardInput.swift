/// Reads a request to the end of a descriptor.
import Glibc

enum StandardInput {
    /// Bytes of a request at the most: requests are at most 1 MiB, and a checkpoint may come with it.
    static let maximumSize = 64 << 20

    /// - Throws: `JobFailure` INVALID_REQUEST with the way out when there is nothing to read.
    static func readAll(from descriptor: Int32, usage: String) throws(JobFailure) -> [UInt8] {
        guard isatty(descriptor) == 0 else {
            throw invalid("the request is read from standard input, which is a terminal\n\(usage)")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count: Int
            do {
                count = try buffer.withUnsafeMutableBytes { (buffer) throws(SystemCallError) in
                    try systemCall("read", "standard input") { read(descriptor, buffer.baseAddress, buffer.count) }
                }
            } catch {
                throw invalid("the request on standard input cannot be read: \(error)\n\(usage)")
            }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= maximumSize else {
                throw invalid("the request on standard input is larger than \(maximumSize) bytes")
            }
        }
        guard !bytes.isEmpty else { throw invalid("there is no request on standard input\n\(usage)") }
        return bytes
    }

    private static func invalid(_ message: String) -> JobFailure {
        JobFailure("INVALID_REQUEST", message, exit: .invalidParams)
    }
}
