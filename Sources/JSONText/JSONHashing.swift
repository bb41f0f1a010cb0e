/// Values that are equal have equal hashes: objects whatever the order of their members. `1` and `"1"` have others.
extension JSON: Hashable {
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(UInt8(0))
        case .bool(let value):
            hasher.combine(UInt8(1))
            hasher.combine(value)
        case .number(let value):
            hasher.combine(UInt8(2))
            hasher.combine(value)
        case .string(let value):
            hasher.combine(UInt8(3))
            hasher.combineBytes(of: value)
        case .array(let values):
            hasher.combine(UInt8(4))
            hasher.combine(values.count)
            for value in values { value.hash(into: &hasher) }
        case .object(let object):
            hasher.combine(UInt8(5))
            object.hash(into: &hasher)
        }
    }
}

extension JSONObject: Hashable {
    public func hash(into hasher: inout Hasher) {
        var sum = 0
        for (key, value) in members {
            var member = Hasher()
            member.combineBytes(of: key)
            value.hash(into: &member)
            sum &+= member.finalize()
        }
        hasher.combine(members.count)
        hasher.combine(sum)
    }
}

extension Hasher {
    /// Strings here are equal when their bytes are, which Swift's own hash of a string does not tell apart.
    fileprivate mutating func combineBytes(of text: String) {
        var text = text
        text.withUTF8 { combine(bytes: UnsafeRawBufferPointer($0)) }
        combine(UInt8(0xFF))
    }
}
