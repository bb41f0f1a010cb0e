public import JSONText

/// What a job did to its items. The five that every job has come first; a handler may count more.
public struct Counts: Sendable, Equatable {
    private var values: [(key: String, value: Int64)]

    public static let standard = ["created", "updated", "skipped", "deleted", "failed"]

    public init() { values = Self.standard.map { ($0, 0) } }

    /// 0 for what was never counted.
    public subscript(_ key: String) -> Int64 {
        get { values.first { $0.key == key }?.value ?? 0 }
        set {
            if let index = values.firstIndex(where: { $0.key == key }) {
                values[index].value = newValue
            } else {
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
