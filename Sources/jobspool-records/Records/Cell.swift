/// One value of a record: what kind it is, and where in the batch's bytes it stands. Values stay bytes from the file to
/// the database; nothing becomes a `String` on the way.
struct Cell: Sendable, Equatable {
    enum Kind: UInt8, Sendable {
        case null
        case `false`
        case `true`
        /// A JSON number as it was written: integers and decimals keep their digits.
        case number
        /// UTF-8, without quotes and escapes.
        case text
        /// An array or an object, as canonical JSON.
        case nested
        /// Bytes, as databases hold them; in JSON they are base64.
        case blob
    }

    var kind: Kind
    var start = 0
    var length = 0

    var range: Range<Int> { start..<start + length }
}
