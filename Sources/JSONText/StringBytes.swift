/// Strings by their bytes. Swift's `==` takes texts that look the same for the same (canonical equivalence: `é` composed
/// and decomposed); keys, names and values that others wrote are the same only when their bytes are.
extension String {
    package func hasSameBytes(as other: String) -> Bool {
        withBytes { bytes in other.withBytes { $0.count == bytes.count && Self.matches(bytes, at: 0, $0) } }
    }

    /// `hasPrefix` regards whole characters: a dot with an accent on it is no dot to it, but it is one to the kernel.
    package func beginsWithBytes(_ prefix: String) -> Bool {
        withBytes { bytes in prefix.withBytes { $0.count <= bytes.count && Self.matches(bytes, at: 0, $0) } }
    }

    /// `hasSuffix` by bytes.
    package func endsWithBytes(_ suffix: String) -> Bool {
        withBytes { bytes in
            suffix.withBytes { $0.count <= bytes.count && Self.matches(bytes, at: bytes.count - $0.count, $0) }
        }
    }

    private func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        utf8.withContiguousStorageIfAvailable(body) ?? Array(utf8).withUnsafeBufferPointer(body)
    }

    /// Names are told apart a million times when a spool is looked at.
    private static func matches(
        _ bytes: UnsafeBufferPointer<UInt8>, at start: Int, _ part: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        // From the end: names that have something in common have it in front.
        for index in part.indices.reversed() where bytes[start + index] != part[index] { return false }
        return true
    }

    /// The text for one line of a message: control characters escaped, and what is longer than `limit` scalars cut.
    package func printable(limit: Int = .max) -> String {
        var text = ""
        for (index, scalar) in unicodeScalars.enumerated() {
            if index == limit { return text + "…" }
            if scalar.isControl {
                text += scalar.escaped(asASCII: true)
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension Unicode.Scalar {
    /// General category Cc: C0, DEL and C1.
    package var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}

extension Sequence<String> {
    /// `contains` by bytes.
    package func containsBytes(of text: String) -> Bool { contains { $0.hasSameBytes(as: text) } }
}

/// A string as a key of sets and dictionaries, equal when the bytes are.
struct ByteKey: Hashable {
    private let string: String

    init(_ string: String) { self.string = string }

    static func == (a: ByteKey, b: ByteKey) -> Bool { a.string.hasSameBytes(as: b.string) }

    func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
