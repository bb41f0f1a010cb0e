/// Reads JSON-LD in its expanded form (JSON-LD 1.1, W3C 2020, section 5.1 of its API): an array of node objects without
/// a context. A document in another form is refused, because its terms mean nothing without their context; every
/// JSON-LD processor can expand it. Relative `@id`s are resolved against the document's IRI.
import JSONText

struct ExpandedJSONLD {
    private let base: IRI
    private var document = LinkedDocument()
    private var labels: Set<String> = []
    private var nextLabel = 0

    /// - Throws: `LinkedDataError`.
    static func parse(_ bytes: [UInt8], base: String) throws -> LinkedDocument {
        let json: JSON
        do {
            json = try JSON(parsing: bytes)
        } catch {
            throw LinkedDataError("no JSON: \(error)")
        }
        var reader = ExpandedJSONLD(base: IRI(base))
        reader.collectLabels(json)
        try reader.nodes(json, at: "")
        return reader.document
    }

    private init(base: IRI) { self.base = base }

    /// An array of node objects, or a single one.
    private mutating func nodes(_ json: JSON, at place: String) throws {
        for (element, place) in Self.elements(json, place) {
            guard let node = element.object else { throw failure(place, "is \(element.kind) instead of a node object") }
            _ = try self.node(node, at: place)
        }
    }

    /// Takes in what a node object says.
    /// - Returns: its `@id`, or the label that it got.
    private mutating func node(_ node: JSONObject, at place: String) throws -> String {
        let subject: String
        if let id = node["@id"] {
            guard let text = id.string else { throw failure("\(place)[\"@id\"]", "is \(id.kind) instead of a string") }
            subject = resolved(text)
        } else {
            subject = newLabel()
        }
        for (key, value) in node.members {
            let place = "\(place)[\"\(key.printable(limit: 100))\"]"
            switch key {
            case "@id", "@index": break
            case "@type":
                for (type, place) in Self.elements(value, place) {
                    guard let type = type.string else { throw failure(place, "is \(type.kind) instead of a string") }
                    document.add(subject, Vocabulary.type, ["@id": .string(resolved(type))])
                }
            case "@graph", "@included": try nodes(value, at: place)
            case "@reverse": try reverse(value, of: subject, at: place)
            case "@context": throw failure(place, "is there: the document is not in expanded form")
            case _ where key.hasPrefix("@"): throw failure(place, "does not belong into a node object in expanded form")
            case _ where !IRI(key).isAbsolute:
                throw failure(place, "is no IRI: the document is not in expanded form")
            default: try property(key, value, of: subject, at: place)
            }
        }
        return subject
    }

    private mutating func property(_ property: String, _ json: JSON, of subject: String, at place: String) throws {
        for (element, place) in Self.elements(json, place) {
            guard let object = element.object else {
                throw failure(place, "is \(element.kind) instead of an object: the document is not in expanded form")
            }
            if let set = object["@set"] {
                try self.property(property, set, of: subject, at: "\(place)[\"@set\"]")
                continue
            }
            // A node that stands where it is referred to comes after the reference.
            let mark = document.statements.count
            let value = try value(object, at: place)
            document.statements.insert(
                LinkedDocument.Statement(subject: subject, predicate: property, value: value), at: mark)
        }
    }

    private mutating func value(_ object: JSONObject, at place: String) throws -> JSON {
        if let list = object["@list"] {
            var elements: [JSON] = []
            for (element, place) in Self.elements(list, "\(place)[\"@list\"]") {
                guard let object = element.object else {
                    throw failure(place, "is \(element.kind) instead of an object")
                }
                elements.append(try value(object, at: place))
            }
            return ["@list": .array(elements)]
        }
        guard let value = object["@value"] else { return ["@id": .string(try node(object, at: place))] }
        return try Self.literal(object, value, at: place)
    }

    private static func literal(_ object: JSONObject, _ value: JSON, at place: String) throws -> JSON {
        var literal: JSONObject = ["@value": value]
        for key in ["@language", "@direction", "@type"] {
            guard let given = object[key], !given.isNull else { continue }
            guard let text = given.string else {
                throw failure("\(place)[\"\(key)\"]", "is \(given.kind) instead of a string")
            }
            if key != "@type" || text != Vocabulary.string { literal[key] = .string(text) }
        }
        if let key = object.keys.first(where: {
            !["@value", "@language", "@direction", "@type", "@index"].contains($0)
        }) {
            throw failure("\(place)[\"\(key.printable(limit: 100))\"]", "does not belong beside `@value`")
        }
        switch value {
        case .array, .object:
            guard object["@type"] == "@json" else { throw failure("\(place)[\"@value\"]", "is \(value.kind)") }
        case .null, .bool, .number, .string: break
        }
        return .object(literal)
    }

    private mutating func reverse(_ json: JSON, of subject: String, at place: String) throws {
        guard let properties = json.object else { throw failure(place, "is \(json.kind) instead of an object") }
        for (property, value) in properties.members {
            let place = "\(place)[\"\(property.printable(limit: 100))\"]"
            guard IRI(property).isAbsolute else {
                throw failure(place, "is no IRI: the document is not in expanded form")
            }
            for (element, place) in Self.elements(value, place) {
                guard let object = element.object else { throw failure(place, "is \(element.kind) instead of a node") }
                document.add(try node(object, at: place), property, ["@id": .string(subject)])
            }
        }
    }

    // MARK: Names

    private func resolved(_ id: String) -> String {
        if id.hasPrefix("_:") { return id }
        let iri = IRI(id)
        return iri.isAbsolute ? id : iri.resolved(against: base).text
    }

    private mutating func newLabel() -> String {
        repeat { nextLabel += 1 } while labels.contains("_:b\(nextLabel)")
        return "_:b\(nextLabel)"
    }

    /// The labels that the document uses are not given to nodes that have none.
    private mutating func collectLabels(_ json: JSON) {
        switch json {
        case .array(let elements): for element in elements { collectLabels(element) }
        case .object(let object):
            if let id = object["@id"]?.string, id.hasPrefix("_:") { labels.insert(id) }
            for (_, value) in object.members { collectLabels(value) }
        case .null, .bool, .number, .string: break
        }
    }

    // MARK: Places

    private static func elements(_ json: JSON, _ place: String) -> [(JSON, String)] {
        guard let array = json.array else { return [(json, place)] }
        return array.enumerated().map { ($0.element, "\(place)[\($0.offset)]") }
    }

    private static func failure(_ place: String, _ problem: String) -> LinkedDataError {
        LinkedDataError("no JSON-LD in expanded form: \(place.isEmpty ? "the document" : place) \(problem)")
    }

    private func failure(_ place: String, _ problem: String) -> LinkedDataError { Self.failure(place, problem) }
}
