/// A JSON number that keeps its digits. Two numbers are equal when their texts are: `1.0` is not `1`.
public struct JSONNumber: Sendable, Hashable {
    /// The number as RFC 8259 writes it, such as `-12.50e3`.
    public let text: String

    /// Takes the text as it is: only the parser, which has checked it, calls this.
    init(checked text: String) { self.text = text }

    public init(_ value: some BinaryInteger) { text = String(value) }

    /// - Precondition: `value` is finite.
    public init(_ value: Double) {
        precondition(value.isFinite, "JSON has no NaN and no infinities")
        if value == value.rounded(), abs(value) < 1e15 {
            text = String(Int64(value))
        } else {
            text = "\(value)"
        }
    }

    /// The exact integer, or nil for fractions, exponents and what does not fit.
    public var int64: Int64? { Int64(text) }

    /// The nearest Double.
    public var double: Double { Double(text) ?? .nan }
}
