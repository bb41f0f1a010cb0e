/// Writes whole lines to a descriptor. A line is handed to write(2) in one piece and finished in a loop when the kernel
/// takes less; the caller serialises, so lines of several threads never mix.
///
/// After the first failure (the reader is gone, the disk is full) nothing more is written: half a line followed by
/// another would be garbage. The error is kept for the exit status.
import Glibc

struct LineOutput {
    let descriptor: Int32
    private(set) var failure: SystemCallError?

    init(descriptor: Int32) { self.descriptor = descriptor }

    mutating func write(_ line: [UInt8]) {
        guard failure == nil else { return }
        var written = 0
        do throws(SystemCallError) {
            while written < line.count {
                written += try line.withUnsafeBufferPointer { (buffer) throws(SystemCallError) in
                    try systemCall("write", "standard output") {
                        Glibc.write(descriptor, buffer.baseAddress! + written, line.count - written)
                    }
                }
            }
        } catch {
            failure = error
        }
    }
}
