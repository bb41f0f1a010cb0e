/// The params of `records.match`, decoded and checked; nothing here looks at the disk.
import JSONText
import JobHandler

struct MatchParams: Sendable {
    /// One of the two sets of records.
    struct Side: Sendable {
        let source: SourceParams
        /// The fields whose values make the key; nil for what the source says.
        let key: [String]?

        init(_ fields: inout JSONFields, _ name: String) throws {
            var members = JSONFields(try SourceParams.value(&fields, name), path: fields.path + [name])
            key = try members.names("key")
            source = try SourceParams(members: &members, entity: nil)
            try members.finish()
        }
    }

    /// Two fields whose values, once they are normalised, have to be the same.
    struct Rule: Sendable {
        let left: String
        let right: String
        let normalizer: Normalizer
        /// For phone numbers: the calling code of those that have none.
        let country: String?

        init(_ fields: inout JSONFields) throws {
            left = try fields.require(try fields.string("left"), "left", "a field of the left records")
            right = try fields.string("right") ?? left
            normalizer = try fields.choice("normalize") ?? .exact
            country = try fields.string("country")
            if let country,
                normalizer != .phone || country.isEmpty || !country.utf8.allSatisfy({ (0x30...0x39).contains($0) })
            {
                throw fields.wrong("country", "is for \"phone\", and is a calling code such as \"49\"")
            }
            try fields.finish()
        }

        /// What the mapping table says of a match by this rule.
        var name: String {
            left == right ? "\(left) \(normalizer.rawValue)" : "\(left) = \(right) \(normalizer.rawValue)"
        }
    }

    let left: Side
    let right: Side
    let rules: [Rule]
    /// The database of the mappings, and their table.
    let target: (path: String, table: String)
    let errors: ErrorBudget

    init(_ fields: inout JSONFields) throws {
        left = try Side(&fields, "left")
        right = try Side(&fields, "right")
        guard case .sqlite(let path, let table) = try TargetParams(&fields, entity: nil) else {
            throw fields.wrong("target", "must be a table of a SQLite database, in which the mappings are kept")
        }
        target = (path, table)
        rules = try Self.rules(&fields)
        errors = try ErrorBudget(params: &fields)
    }

    private static func rules(_ fields: inout JSONFields) throws -> [Rule] {
        let wanted = "a list of rules, such as [{\"left\": \"email\", \"right\": \"mail\", \"normalize\": \"email\"}]"
        let values = try fields.require(fields.value("rules"), "rules", wanted)
        guard let array = values.array, !array.isEmpty, array.count <= 100 else {
            throw fields.wrong("rules", "must be \(wanted)")
        }
        return try array.enumerated().map { index, value in
            guard let object = value.object else { throw fields.wrong("rules", "must be \(wanted)") }
            var members = JSONFields(object, path: fields.path + ["rules", "\(index + 1)"])
            return try Rule(&members)
        }
    }
}

extension JSONFields {
    /// The names of some fields, or of one without an array.
    mutating func names(_ key: String) throws -> [String]? {
        let names = object[key]?.string == nil ? try strings(key) : try string(key).map { [$0] }
        if let names, names.isEmpty || Set(names).count < names.count {
            throw wrong(key, "must name one field at least, and none twice")
        }
        return names
    }
}
