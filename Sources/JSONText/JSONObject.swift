/// The members of a JSON object in the order in which they were written. Equality does not regard the order (RFC 8259,
/// section 4). Look-up is linear: objects here are small, and order and memory matter more. Keys are the same when their
/// bytes are.
public struct JSONObject: Sendable {
    public private(set) var members: [(key: String, value: JSON)]

    public init() { members = [] }

    /// Members whose keys the caller knows to be unique.
    public init(_ members: [(String, JSON)]) { self.members = members.map { (key: $0.0, value: $0.1) } }

    public var isEmpty: Bool { members.isEmpty }
    public var count: Int { members.count }
    public var keys: [String] { members.map(\.key) }

    /// Reads, replaces in place, appends, or (with nil) removes a member.
    public subscript(_ key: String) -> JSON? {
        get { members.first { $0.key.hasSameBytes(as: key) }?.value }
        set {
            let index = members.firstIndex { $0.key.hasSameBytes(as: key) }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append((key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Adds a member whose key is known to be new.
    mutating func append(_ key: String, _ value: JSON) { members.append((key: key, value: value)) }
}

extension JSONObject: Equatable {
    public static func == (a: JSONObject, b: JSONObject) -> Bool {
        guard a.count == b.count else { return false }
        if zip(a.members, b.members).allSatisfy({ $0.key.hasSameBytes(as: $1.key) }) {
            return zip(a.members, b.members).allSatisfy { $0.value == $1.value }
        }
        let values = Dictionary(b.members.map { (ByteKey($0.key), $0.value) }) { first, _ in first }
        return a.members.allSatisfy { values[ByteKey($0.key)] == $0.value }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements) }
}
