/// Steps through a JSON text from left to right, strictly (RFC 8259), and hands out the parts as they stand. What it does not
/// take, something else has to look at: it says nothing of why.
import Glibc

struct JSONScanner {
    private let base: UnsafePointer<UInt8>
    private let count: Int
    private(set) var at = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        // An empty text has no address; nothing is read from this one.
        base = bytes.baseAddress ?? UnsafePointer(bitPattern: 1)!
        count = bytes.count
    }

    /// Whether nothing but space follows.
    var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return at == count
        }
    }

    /// The next byte that is no space; 0 at the end.
    mutating func peek() -> UInt8 {
        skipSpace()
        return at < count ? base[at] : 0
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        at += 1
        return true
    }

    /// Takes a key that is written as this, quotes and all.
    mutating func takeKey(_ quoted: [UInt8]) -> Bool {
        skipSpace()
        guard count - at >= quoted.count,
            quoted.withUnsafeBufferPointer({ memcmp(base + at, $0.baseAddress!, $0.count) }) == 0
        else { return false }
        at += quoted.count
        return true
    }

    mutating func takeWord(_ word: StaticString) -> Bool {
        guard count - at >= word.utf8CodeUnitCount, memcmp(base + at, word.utf8Start, word.utf8CodeUnitCount) == 0
        else {
            return false
        }
        at += word.utf8CodeUnitCount
        return true
    }

    /// Takes a string.
    /// - Returns: what is between its quotes, which is UTF-8.
    mutating func takeString() -> (text: UnsafeBufferPointer<UInt8>, hasEscapes: Bool)? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = at
        var (hasEscapes, high): (Bool, UInt8) = (false, 0)
        while at < count {
            let byte = base[at]
            if byte == UInt8(ascii: "\"") {
                let text = UnsafeBufferPointer(start: base + start, count: at - start)
                at += 1
                guard high < 0x80 || UTF8Check.isValid(text) else { return nil }
                return (text, hasEscapes)
            }
            if byte < 0x20 { return nil }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                at += 1
            }
            high |= byte
            at += 1
        }
        return nil
    }

    mutating func takeNumber() -> UnsafeBufferPointer<UInt8>? {
        let start = at
        if at < count, base[at] == UInt8(ascii: "-") { at += 1 }
        if at < count, base[at] == UInt8(ascii: "0") {
            at += 1
        } else if !takeDigits() {
            return nil
        }
        if at < count, base[at] == UInt8(ascii: ".") {
            at += 1
            if !takeDigits() { return nil }
        }
        if at < count, base[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < count, base[at] == UInt8(ascii: "+") || base[at] == UInt8(ascii: "-") { at += 1 }
            if !takeDigits() { return nil }
        }
        // A digit here would follow a zero.
        if at < count, (0x30...0x39).contains(base[at]) { return nil }
        return UnsafeBufferPointer(start: base + start, count: at - start)
    }

    private mutating func takeDigits() -> Bool {
        let start = at
        while at < count, (0x30...0x39).contains(base[at]) { at += 1 }
        return at > start
    }

    /// Takes an array or an object by its brackets; what is in it is not looked at.
    mutating func takeNested() -> UnsafeBufferPointer<UInt8>? {
        skipSpace()
        let start = at
        var depth = 0
        while at < count {
            switch base[at] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 {
                    at += 1
                    return UnsafeBufferPointer(start: base + start, count: at - start)
                }
            case UInt8(ascii: "\""):
                guard takeString() != nil else { return nil }
                continue
            default: break
            }
            at += 1
        }
        return nil
    }

    /// Takes any value; of an array or an object only the brackets are looked at.
    mutating func takeAny() -> UnsafeBufferPointer<UInt8>? {
        let byte = peek()
        let start = at
        let isTaken =
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["): takeNested() != nil
            case UInt8(ascii: "\""): takeString() != nil
            case UInt8(ascii: "t"): takeWord("true")
            case UInt8(ascii: "f"): takeWord("false")
            case UInt8(ascii: "n"): takeWord("null")
            default: takeNumber() != nil
            }
        return isTaken ? UnsafeBufferPointer(start: base + start, count: at - start) : nil
    }

    private mutating func skipSpace() {
        while at < count, base[at] <= 0x20, base[at] == 0x20 || base[at] == 0x0A || base[at] == 0x0D || base[at] == 0x09
        {
            at += 1
        }
    }
}
