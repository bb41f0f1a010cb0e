/// What is wrong with a JSON text, and where.
public struct JSONSyntaxError: Error, Equatable, CustomStringConvertible {
    public let reason: String
    /// From 1.
    public let line: Int
    /// From 1, in bytes.
    public let column: Int
    /// The text ended too early: it may be one that is still being written.
    public let isTruncated: Bool

    public var description: String { "\(reason) (line \(line), column \(column))" }
}
