/// A run's `job_id` in the 16 bytes that it takes (RFC 9562), for where there are a hundred thousand of them.
package struct JobID: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64

    /// nil for what no daemon gives a job: a UUID in lower case.
    package init?(_ string: String) {
        var string = string
        let halves = string.withUTF8 { text -> (UInt64, UInt64)? in
            guard text.count == 36 else { return nil }
            var halves: (UInt64, UInt64) = (0, 0)
            for (index, byte) in text.enumerated() {
                let digit: UInt8
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
                case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
                case UInt8(ascii: "-"):
                    guard Self.isHyphen(index) else { return nil }
                    continue
                default: return nil
                }
                guard !Self.isHyphen(index) else { return nil }
                halves = (halves.0 << 4 | halves.1 >> 60, halves.1 << 4 | UInt64(digit))
            }
            return halves
        }
        guard let halves else { return nil }
        (high, low) = halves
    }

    private init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    /// A random one (version 4), from getrandom(2).
    package static func random() -> JobID {
        var random = SystemRandomNumberGenerator()
        return JobID(
            high: random.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000,
            low: random.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    private static func isHyphen(_ index: Int) -> Bool { index == 8 || index == 13 || index == 18 || index == 23 }

    package var string: String {
        String(unsafeUninitializedCapacity: 36) { text in
            var rest = (high, low)
            for index in 0..<36 {
                if Self.isHyphen(index) {
                    text[index] = UInt8(ascii: "-")
                    continue
                }
                let digit = UInt8(truncatingIfNeeded: rest.0 >> 60)
                text[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                rest = (rest.0 << 4 | rest.1 >> 60, rest.1 << 4)
            }
            return 36
        }
    }
}
