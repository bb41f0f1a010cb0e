/// Whether bytes are UTF-8 (Unicode, table 3-7). Eight ASCII bytes are one step.
enum UTF8Check {
    static func isValid(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        let count = bytes.count
        var at = 0
        while at < count {
            if at + 8 <= count {
                let word = UnsafeRawPointer(base + at).loadUnaligned(as: UInt64.self)
                if word & 0x8080_8080_8080_8080 == 0 {
                    at += 8
                    continue
                }
            }
            if base[at] < 0x80 {
                at += 1
                continue
            }
            let (length, second): (Int, ClosedRange<UInt8>) =
                switch base[at] {
                case 0xC2...0xDF: (2, 0x80...0xBF)
                case 0xE0: (3, 0xA0...0xBF)
                case 0xED: (3, 0x80...0x9F)
                case 0xE1...0xEF: (3, 0x80...0xBF)
                case 0xF0: (4, 0x90...0xBF)
                case 0xF1...0xF3: (4, 0x80...0xBF)
                case 0xF4: (4, 0x80...0x8F)
                default: (0, 0x80...0xBF)
                }
            guard length > 0, at + length <= count, second.contains(base[at + 1]) else { return false }
            for ahead in 2..<max(2, length) where base[at + ahead] & 0xC0 != 0x80 { return false }
            at += length
        }
        return true
    }
}
