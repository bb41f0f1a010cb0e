/// A path below a root that cannot leave it by its text: no `..`, not absolute. That it does not leave by a symbolic
/// link either is for whoever opens it (`Directory.open(below:)`).
struct RelativePath: Sendable, Equatable {
    struct Invalid: Error {
        let problem: String
    }

    /// Bytes without slashes, never empty, never "." or "..".
    let components: [[UInt8]]

    /// `""` and `"."` are the root; a slash at the end and doubled ones do no harm.
    init(_ text: String) throws(Invalid) {
        guard text.utf8.first != UInt8(ascii: "/") else {
            throw Invalid(problem: "must be relative to `source` and `target`, not begin with / as \"\(text)\" does")
        }
        guard !text.utf8.contains(0) else { throw Invalid(problem: "must not contain a NUL character") }
        var components: [[UInt8]] = []
        for component in text.utf8.split(separator: UInt8(ascii: "/")) {
            switch Array(component) {
            case [UInt8(ascii: ".")]: continue
            case [UInt8(ascii: "."), UInt8(ascii: ".")]:
                throw Invalid(problem: "must not contain \"..\", as \"\(text)\" does")
            case let bytes: components.append(bytes)
            }
        }
        self.components = components
    }

    /// A path that was put together from names.
    init(bytes: [UInt8]) { components = bytes.split(separator: UInt8(ascii: "/")).map(Array.init) }

    /// The components joined by slashes.
    var bytes: [UInt8] { Array(components.joined(separator: [UInt8(ascii: "/")])) }
}
