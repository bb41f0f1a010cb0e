/// The names of a record's fields, in the order in which its values stand. Records of one shape share one layout, so that
/// everything that depends on names alone is worked out once. No name is there twice.
final class FieldLayout: Sendable {
    let names: [String]
    let count: Int
    /// The names as canonical JSON writes them, with their quotes.
    let quotedNames: [[UInt8]]

    init(_ names: [String]) {
        self.names = names
        count = names.count
        quotedNames = names.map { name in
            var bytes: [UInt8] = []
            CanonicalJSON.write(text: name.utf8, to: &bytes)
            return bytes
        }
    }

    /// Where the field stands; nil when records of this layout have no such field. Names are equal when their bytes are.
    func index(of name: String) -> Int? { names.firstIndex { $0.utf8.elementsEqual(name.utf8) } }
}
