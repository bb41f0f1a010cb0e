/// Base64 (RFC 4648, section 4), by which JSON can hold bytes.
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: ArraySlice<UInt8>) -> String {
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count + 2) / 3 * 4)
        var at = bytes.startIndex
        while at < bytes.endIndex {
            let count = min(3, bytes.endIndex - at)
            var group = UInt32(bytes[at]) << 16
            if count > 1 { group |= UInt32(bytes[at + 1]) << 8 }
            if count > 2 { group |= UInt32(bytes[at + 2]) }
            for index in 0..<4 {
                output.append(index > count ? UInt8(ascii: "=") : digits[Int(group >> (18 - 6 * UInt32(index)) & 63)])
            }
            at += count
        }
        return String(decoding: output, as: UTF8.self)
    }
}
