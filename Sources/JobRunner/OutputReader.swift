/// Reads the lines that a growing output file has got since the last time. A line longer than the contract allows is
/// cut; bytes are never lost between two reads, nor read twice.
import Glibc
import SpoolProtocol
import SpoolStorage

struct OutputReader: ~Copyable {
    private let file: Descriptor
    private(set) var offset: Int64 = 0
    /// The beginning of a line whose end has not been written yet.
    private var partial: [UInt8] = []
    /// Inside the rest of a line that was cut.
    private var skipsToLineEnd = false

    /// How much is read at a time, in bytes.
    private static let chunk = 1 << 18

    init(_ directory: Directory, _ name: FileName) throws(SpoolError) {
        file = try directory.open(name, O_RDONLY)
    }

    /// The size of the file now, in bytes.
    func size() throws(SpoolError) -> Int64 { try file.stat().size }

    /// Hands over the lines, without line breaks, of at most one chunk; false when there was nothing new.
    mutating func readLines(_ body: (UnsafeBufferPointer<UInt8>) -> Void) throws(SpoolError) -> Bool {
        let bytes = try file.read(from: offset, limit: Self.chunk)
        if bytes.isEmpty { return false }
        offset += Int64(bytes.count)
        bytes.withUnsafeBufferPointer { split($0, body) }
        return true
    }

    /// Hands over what follows the last line break: nothing more will be written.
    mutating func finish(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        if !partial.isEmpty { partial.withUnsafeBufferPointer(body) }
        partial = []
    }

    private mutating func split(
        _ bytes: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) {
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 0x0A) {
            take(rest[rest.startIndex..<end], endsLine: true, body)
            rest = rest[(end + 1)...]
        }
        take(rest, endsLine: false, body)
    }

    private mutating func take(
        _ piece: Slice<UnsafeBufferPointer<UInt8>>, endsLine: Bool, _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) {
        let isWhole = partial.isEmpty && endsLine && piece.count <= HandlerLine.maximumBytes && !skipsToLineEnd
        if isWhole {
            body(UnsafeBufferPointer(rebasing: piece))
            return
        }
        if !skipsToLineEnd {
            partial.append(contentsOf: piece.prefix(HandlerLine.maximumBytes - partial.count))
            let isCut = partial.count == HandlerLine.maximumBytes
            if endsLine || isCut {
                partial.withUnsafeBufferPointer(body)
                partial.removeAll(keepingCapacity: partial.count < 1 << 16)
                skipsToLineEnd = true
            }
        }
        if endsLine { skipsToLineEnd = false }
    }
}
