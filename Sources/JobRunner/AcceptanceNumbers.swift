/// The numbers of acceptance: each greater than all before it, across restarts, whatever the clock does. They are reserved
/// in blocks, so that the disk is asked once for many; a daemon that dies leaves a gap, never a repetition.
import JSONText
import SpoolProtocol
import SpoolStorage

struct AcceptanceNumbers {
    private let spool: Spool
    private(set) var last: Int64
    private var reserved: Int64

    private static let block: Int64 = 1000
    private static let name = FileName("sequence")

    init(_ spool: Spool) throws(SpoolError) {
        self.spool = spool
        let text = try spool.home.read(Self.name).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let stored = Int64(text.filter { $0 != "\n" }) ?? 0
        last = Self.numbers.contains(stored) ? stored : 0
        reserved = last
    }

    /// No daemon comes as far: a file that says more is damaged. All programs that read JSON know numbers up to here (RFC 8259, 6).
    private static let numbers: ClosedRange<Int64> = 0...(1 << 53)

    /// A file of the spool shows this number.
    mutating func saw(_ number: Int64) {
        guard Self.numbers.contains(number) else { return }
        last = max(last, number)
        reserved = max(reserved, last)
    }

    mutating func next() throws(SpoolError) -> Int64 {
        if last == reserved {
            let upTo = last + Self.block
            try spool.publish(Array("\(upTo)\n".utf8), as: Self.name, in: spool.home, .power)
            reserved = upTo
        }
        last += 1
        return last
    }
}
