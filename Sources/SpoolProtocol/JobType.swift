/// The name of a job type, such as `documents.sync`: 1 to 100 letters, digits, dots, hyphens and underscores, not
/// beginning with a dot. It is also the name of its definition's file.
public struct JobType: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let string: String

    /// nil when the text cannot be a type's name.
    public init?(_ text: String) {
        guard (1...100).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "."),
            text.utf8.allSatisfy({ byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            })
        else { return nil }
        string = text
    }

    public static func < (a: JobType, b: JobType) -> Bool { a.string < b.string }
    public var description: String { string }
}
