import JSONText

/// The name of a directory entry: bytes, as the kernel has it. Unlike Swift strings, two names that look the same but
/// are written with different bytes (composed and decomposed accents) are different names.
public struct FileName: Sendable, Hashable {
    public let bytes: [UInt8]

    public init(bytes: [UInt8]) { self.bytes = bytes }
    public init(_ string: String) { bytes = Array(string.utf8) }

    /// nil when the bytes are not UTF-8.
    public var string: String? { String(validating: bytes, as: UTF8.self) }
}

extension FileName: Comparable {
    /// By bytes.
    public static func < (a: FileName, b: FileName) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
}

extension FileName: CustomStringConvertible {
    /// The name for people: what is not UTF-8 repaired, control characters escaped.
    public var description: String { String(decoding: bytes, as: UTF8.self).printable() }
}
