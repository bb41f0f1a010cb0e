/// Where in a JSON text a member stands, for messages about values that are well-formed and still wrong. Found by
/// parsing again with a listener: errors are rare, and values that carried their positions would cost everybody else.
extension JSON {
    /// The line and column, from 1, of the key at the end of `path`; nil when the text has no such member. Array
    /// elements are not steps of a path.
    public static func position(of path: [String], in bytes: [UInt8]) -> (line: Int, column: Int)? {
        bytes.withUnsafeBufferPointer { buffer in
            var current: [String] = []
            var found: Int?
            var parser = JSONParser(bytes: buffer)
            parser.onMember = { key, offset in
                current.append(key)
                if found == nil, current.elementsEqual(path, by: { $0.hasSameBytes(as: $1) }) { found = offset }
            }
            parser.onMemberEnd = { current.removeLast() }
            do {
                _ = try parser.parseText()
            } catch {
                return nil
            }
            return found.map { lineAndColumn(of: $0, in: buffer) }
        }
    }

    static func lineAndColumn(of offset: Int, in bytes: UnsafeBufferPointer<UInt8>) -> (line: Int, column: Int) {
        let before = bytes[..<min(offset, bytes.count)]
        let line = 1 + before.count { $0 == 0x0A }
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return (line, before.endIndex - lineStart + 1)
    }
}
