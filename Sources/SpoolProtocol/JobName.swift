import JSONText

/// The name of a job: its request's file name without `.json`. 1 to 200 bytes of UTF-8 without control characters. Two
/// names are equal when their bytes are.
public struct JobName: Sendable, Hashable {
    public let string: String

    /// Why a name is none, in words that name the remedy.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// The longest name, in bytes: the longest suffix and an archive folder's identifier still fit into 255.
    public static let maximumBytes = 200

    /// - Throws: `Problem`.
    public init(_ name: String) throws(Problem) {
        var shown: FileName { FileName(name) }
        if name.isEmpty { throw Problem(description: "a name needs at least one character") }
        if name.utf8.count > Self.maximumBytes {
            throw Problem(
                description: "the name is \(name.utf8.count) bytes long: a name has at most \(Self.maximumBytes)")
        }
        if name.utf8.contains(where: { $0 < 0x20 || $0 > 0x7E }), name.unicodeScalars.contains(where: \.isControl) {
            throw Problem(description: "\"\(shown)\" has a control character: rename the file")
        }
        if name.utf8.contains(UInt8(ascii: "/")) {
            throw Problem(description: "\"\(shown)\" has a slash: a name is one file in the spool, not a path")
        }
        if name.beginsWithBytes(".") {
            throw Problem(description: "\"\(shown)\" begins with a dot: such files are ignored; choose another name")
        }
        if SpoolFile.reservedNames.containsBytes(of: name) {
            throw Problem(description: "\"\(name)\" is reserved: choose another name")
        }
        if let suffix = SpoolFile.reservedNameSuffixes.first(where: { name.endsWithBytes($0) }) {
            throw Problem(description: "a name that ends in \"\(suffix)\" is reserved: choose another name")
        }
        string = name
    }

    public static func == (a: JobName, b: JobName) -> Bool { a.string.hasSameBytes(as: b.string) }

    public func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension JobName {
    /// nil for what is no name.
    init?(json: JSON?) {
        guard let text = json?.string else { return nil }
        do {
            self = try JobName(text)
        } catch {
            return nil
        }
    }
}

extension JobName: Comparable, CustomStringConvertible {
    /// By bytes.
    public static func < (a: JobName, b: JobName) -> Bool { a.string.utf8.lexicographicallyPrecedes(b.string.utf8) }
    public var description: String { string }
}
