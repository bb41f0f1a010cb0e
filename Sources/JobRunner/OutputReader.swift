/// Reads the lines that a growing output file has got since the last time. A line longer than the contract allows is
/// cut; bytes are never lost between two reads, nor read twice. A handler that opens the file anew by the name of its descriptor
/// (`>/dev/stderr`) empties it: then what was not read yet is lost, and reading begins anew.
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
    /// What stood before `offset` when it was read, or the last of it: as long as it stands there the file has only grown.
    private var tail: [UInt8] = []
    /// The file has been emptied, and nobody has asked about that yet.
    private var hasBegunAnew = false

    /// How much is read at a time, in bytes.
    private static let chunk = 1 << 18
    /// The longest tail, in bytes.
    private static let tailLimit = 1 << 12

    init(_ directory: Directory, _ name: FileName) throws(SpoolError) {
        file = try directory.open(name, O_RDONLY)
    }

    /// The size of the file now, in bytes.
    func size() throws(SpoolError) -> Int64 { try file.stat().size }

    /// Hands over the lines, without line breaks, of at most one chunk; false when there was nothing new.
    mutating func readLines(_ body: (UnsafeBufferPointer<UInt8>) -> Void) throws(SpoolError) -> Bool {
        let bytes = try file.read(from: offset - Int64(tail.count), limit: tail.count + Self.chunk)
        guard bytes.starts(with: tail) else {
            finish(body)
            skipsToLineEnd = false
            let kept = unchangedLines(bytes)
            offset = bytes.count < tail.count ? 0 : offset - Int64(tail.count - kept)
            tail.removeSubrange(kept...)
            hasBegunAnew = true
            return true
        }
        let new = bytes.count - tail.count
        if new == 0 { return false }
        offset += Int64(new)
        bytes.withUnsafeBufferPointer { split(UnsafeBufferPointer(rebasing: $0.suffix(new)), body) }
        tail = Array(bytes.suffix(Self.tailLimit))
        return true
    }

    /// How much of the tail still stands there, in bytes, up to the line that differs: a long file that is no shorter now has hardly been
    /// written anew so fast; its end has been, by somebody who does not append. Of a shorter one nothing counts.
    private func unchangedLines(_ bytes: [UInt8]) -> Int {
        guard offset > tail.count, bytes.count >= tail.count else { return 0 }
        let same = zip(bytes, tail).prefix { $0 == $1 }.count
        return tail[..<same].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    }

    /// Whether the last call of `readLines` found the file emptied. What it has handed over then was said before.
    mutating func takeBeginning() -> Bool {
        defer { hasBegunAnew = false }
        return hasBegunAnew
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
