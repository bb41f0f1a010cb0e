/// One pattern of `include` or `exclude`, with the meaning that gitignore(5) gives it:
///
/// - `*` matches any characters of one name, `?` one character, `[a-z]` and `[[:lower:]]` one of a set, `[!a-z]` one
///   that is not in it; `\` takes the next character as it is.
/// - A pattern without a slash matches names at any depth. One with a slash at its beginning or middle matches the path
///   from the root, which is `source`, whatever `path` is.
/// - A slash at the end matches directories only. `**/`, `/**/` and `/**` match any number of directories.
/// - A match of a directory covers everything below it.
///
/// Matching never backtracks: the time is at worst pattern times path, whatever the pattern.
struct Glob: Sendable {
    struct Invalid: Error {
        let problem: String
    }

    enum Token: Equatable {
        case character(UInt32)
        case anyCharacter
        case set([ClosedRange<UInt32>], negated: Bool)
        /// `*`
        case anyInName
        /// `**/`: no or more whole directories.
        case anyDirectories
        /// `**` at the end.
        case anything
    }

    let tokens: [Token]
    let directoriesOnly: Bool

    /// - Throws: `Invalid` with what is wrong, to follow the pattern in quotes.
    init(_ pattern: String) throws(Invalid) {
        guard pattern.first != "!" else {
            throw Invalid(problem: "begins with \"!\", and nothing is taken back here: exclude wins over include")
        }
        var parser = GlobParser(pattern)
        directoriesOnly = parser.takeSlashAtEnd()
        tokens = try parser.parse()
    }

    /// Whether the path from the root, and not just something above or below it, matches.
    func matches(_ path: some Sequence<UInt8>, isDirectory: Bool) -> Bool {
        if directoriesOnly, !isDirectory { return false }
        var states = [Bool](repeating: false, count: tokens.count + 1)
        enter(0, &states)
        var characters = PathCharacters(path)
        var next = [Bool](repeating: false, count: tokens.count + 1)
        while let character = characters.next() {
            for index in next.indices { next[index] = false }
            for index in tokens.indices where states[index] { step(index, character, &next) }
            swap(&states, &next)
        }
        return states[tokens.count]
    }

    /// Arrives before the token, and, where the token may match nothing, behind it as well.
    private func enter(_ index: Int, _ states: inout [Bool]) {
        states[index] = true
        guard index < tokens.count else { return }
        if tokens[index] == .anyInName || tokens[index] == .anyDirectories { enter(index + 1, &states) }
    }

    private func step(_ index: Int, _ character: UInt32, _ next: inout [Bool]) {
        let isSlash = character == UInt32(UInt8(ascii: "/"))
        switch tokens[index] {
        case .character(let wanted): if character == wanted { enter(index + 1, &next) }
        case .anyCharacter: if !isSlash { enter(index + 1, &next) }
        case .set(let ranges, let negated):
            if !isSlash, ranges.contains(where: { $0.contains(character) }) != negated { enter(index + 1, &next) }
        case .anyInName: if !isSlash { enter(index, &next) }
        case .anyDirectories: if isSlash { enter(index, &next) } else { next[index] = true }
        case .anything:
            next[index] = true
            enter(index + 1, &next)
        }
    }
}

/// The characters of a path: Unicode scalars, and where the bytes are not UTF-8 each byte as a character of its own
/// (0xDC80 and up, which no scalar has).
struct PathCharacters: IteratorProtocol {
    private let bytes: [UInt8]
    private var at = 0

    init(_ path: some Sequence<UInt8>) { bytes = Array(path) }

    mutating func next() -> UInt32? {
        guard at < bytes.count else { return nil }
        let first = bytes[at]
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        if length == 1 || at + length > bytes.count {
            at += 1
            return first < 0x80 ? UInt32(first) : 0xDC00 + UInt32(first)
        }
        if let scalar = String(validating: bytes[at..<at + length], as: UTF8.self)?.unicodeScalars.first {
            at += length
            return scalar.value
        }
        at += 1
        return 0xDC00 + UInt32(first)
    }
}
