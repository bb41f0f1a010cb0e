public import JSONText

/// What a job did to its items. The five that every job has come first; a handler may count more, up to `limit` in all:
/// every status shows them.
public struct Counts: Sendable, Equatable {
    private var values: [(key: String, value: Int64)]

    public static let standard = ["created", "updated", "skipped", "deleted", "failed"]

    /// How many there can be; what else is counted is passed over.
    public static let limit = 100

    public init() { values = Self.standard.map { ($0, 0) } }

    /// 0 for what was never counted.
    public subscript(_ key: String) -> Int64 {
        get { values.first { $0.key.hasSameBytes(as: key) }?.value ?? 0 }
        set {
            if let index = values.firstIndex(where: { $0.key.hasSameBytes(as: key) }) {
                values[index].value = newValue
            } else if values.count < Self.limit {
                values.append((key, newValue))
            }
        }
    }

    public static func == (a: Counts, b: Counts) -> Bool { a.json == b.json }
}

extension Counts {
    public var json: JSON { .object(JSONObject(values.map { ($0.key, JSON($0.value)) })) }

    /// Members that are no integers are passed over.
    public init(json: JSON?) {
        self.init()
        merge(json)
    }

    /// Takes over the integers of an object; the other counts stay.
    public mutating func merge(_ json: JSON?) {
        for (key, value) in json?.object?.members ?? [] {
            if let number = value.int64 { self[key] = number }
        }
    }
}
