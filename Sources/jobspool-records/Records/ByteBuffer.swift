/// Bytes that grow at their end and are used again, without the checks of an array: canonical forms are made here, one for each
/// record.
import Glibc

struct ByteBuffer: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 4096) {
        self.capacity = capacity
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    /// Valid until something is appended.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    mutating func removeAll() { count = 0 }

    mutating func append(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count &+= 1
    }

    mutating func append(_ more: UnsafePointer<UInt8>, _ length: Int) {
        reserve(length)
        memcpy(base + count, more, length)
        count &+= length
    }

    mutating func append(_ more: [UInt8]) {
        more.withUnsafeBufferPointer { if let start = $0.baseAddress { append(start, $0.count) } }
    }

    /// Appends a JSON string: the text in quotes, with escapes for what needs them. Eight bytes that need none are one step.
    mutating func append(quoted text: UnsafePointer<UInt8>, _ length: Int) {
        reserve(length + 2)
        append(UInt8(ascii: "\""))
        var (at, plain) = (0, 0)
        while at < length {
            if at &+ 8 <= length,
                !Self.needsEscape(UnsafeRawPointer(text + at).loadUnaligned(as: UInt64.self))
            {
                at &+= 8
                continue
            }
            let byte = text[at]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                append(text + plain, at - plain)
                append(CanonicalJSON.escape(byte))
                plain = at &+ 1
            }
            at &+= 1
        }
        append(text + plain, length - plain)
        append(UInt8(ascii: "\""))
    }

    /// Whether one of eight bytes is a control character, a quote or a backslash; true as well for some that have none.
    @inline(__always)
    private static func needsEscape(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        let quote = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslash = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let control = (word &- ones &* 0x20) & ~word
        return (control | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash) & high != 0
    }

    @inline(__always)
    private mutating func reserve(_ more: Int) {
        if count &+ more > capacity { grow(more) }
    }

    private mutating func grow(_ more: Int) {
        capacity = max(capacity * 2, count + more)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        memcpy(larger, base, count)
        base.deallocate()
        base = larger
    }
}
