/// What one document says of a subject.
import JSONText

struct SubjectSource {
    let document: String
    let depth: Int
    /// In the order in which they are there.
    private var properties: [(key: String, values: [JSON], isList: Bool)] = []
    private var places: [String: Int] = [:]

    init(document: String, depth: Int) {
        self.document = document
        self.depth = depth
    }

    /// A statement. Types are names, as in JSON-LD; of any property there may be several values.
    mutating func add(_ predicate: String, _ value: JSON) {
        let type = predicate == Vocabulary.type ? value["@id"] : nil
        add(type == nil ? predicate : "@type", type ?? value, isList: true)
    }

    /// A property that has one value. The first one counts.
    mutating func set(_ key: String, _ value: JSON) { if places[key] == nil { add(key, value, isList: false) } }

    private mutating func add(_ key: String, _ value: JSON, isList: Bool) {
        if let place = places[key] {
            properties[place].values.append(value)
        } else {
            places[key] = properties.count
            properties.append((key, [value], isList))
        }
    }

    /// - Parameter budget: bytes that there is room for. What does not fit is left out, and a text is cut; below 0 then.
    func json(within budget: inout Int) -> JSON? {
        guard budget > 0 else { return nil }
        let frame: JSON = ["document": .string(document), "depth": JSON(depth), "properties": [:]]
        budget -= frame.bytes.count + 1
        guard budget >= 0 else { return nil }
        var kept: JSONObject = [:]
        for (key, values, isList) in properties {
            let name = JSON.string(key).bytes.count + 6
            var shown: [JSON] = []
            for value in values {
                let room = budget
                budget -= value.bytes.count + name
                if budget >= 0 {
                    shown.append(value)
                } else if let text = value.string, room > 0 {
                    // What is escaped takes six bytes at the most.
                    shown.append(.string(String(text.unicodeScalars.prefix(room / 6)) + "…"))
                }
                if budget < 0 { break }
            }
            kept[key] = isList && !shown.isEmpty ? JSON.array(shown) : shown.first
            if budget < 0 { break }
        }
        return ["document": .string(document), "depth": JSON(depth), "properties": .object(kept)]
    }
}
