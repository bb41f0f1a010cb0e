/// A JSON text (RFC 8259) as a value. Unlike most decoders' values it keeps what was written: numbers keep their digits
/// (`1.10`, 64-bit integers, 40-digit decimals) and objects the order of their members, so that what passes through
/// comes out as it went in.
public enum JSON: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

extension JSON: Equatable {
    /// Strings are equal when their bytes are, numbers when their texts are, objects whatever their order.
    public static func == (a: JSON, b: JSON) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.string(let a), .string(let b)): a.hasSameBytes(as: b)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        case (.null, _), (.bool, _), (.number, _), (.string, _), (.array, _), (.object, _): false
        }
    }
}

extension JSON {
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    public var number: JSONNumber? {
        if case .number(let value) = self { value } else { nil }
    }

    /// The number as an integer: nil for anything else, for fractions, and outside of Int64.
    public var int64: Int64? { number?.int64 }

    /// `int64` where it fits an Int.
    public var int: Int? { number?.int64.flatMap { Int(exactly: $0) } }

    /// The number as the nearest Double: nil for anything that is no number.
    public var double: Double? { number?.double }

    public var array: [JSON]? {
        if case .array(let value) = self { value } else { nil }
    }

    public var object: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The member of an object; nil when this is no object or has no such member.
    public subscript(_ key: String) -> JSON? { object?[key] }

    /// What kind of value this is, with its article, as error messages name it: "a string", "an object".
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

// MARK: - Building values

extension JSON: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .number(JSONNumber(value)) }
    public init(floatLiteral value: Double) { self = .number(JSONNumber(value)) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }

    /// An integer as a JSON number.
    public init(_ value: some BinaryInteger) { self = .number(JSONNumber(value)) }

    /// A finite Double in its shortest form; null for NaN and infinities, which JSON cannot say.
    public init(_ value: Double) { self = value.isFinite ? .number(JSONNumber(value)) : .null }

    public init(_ value: String) { self = .string(value) }
    public init(_ value: Bool) { self = .bool(value) }

    /// null for nil.
    public init(_ value: String?) { self = value.map { .string($0) } ?? .null }
    /// null for nil.
    public init(_ value: Int?) { self = value.map { .number(JSONNumber($0)) } ?? .null }
    /// null for nil and for what JSON cannot say.
    public init(_ value: Double?) { self = value.map { JSON($0) } ?? .null }
}
