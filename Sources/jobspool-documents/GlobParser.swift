/// Reads the text of a pattern into tokens.
struct GlobParser {
    private var characters: [Unicode.Scalar]
    private var at = 0
    private var tokens: [Glob.Token] = []

    init(_ pattern: String) { characters = Array(pattern.unicodeScalars) }

    mutating func takeSlashAtEnd() -> Bool {
        guard characters.count > 1, characters.last == "/", characters[characters.count - 2] != "\\" else {
            return false
        }
        characters.removeLast()
        return true
    }

    mutating func parse() throws(Glob.Invalid) -> [Glob.Token] {
        if characters.contains("/") {
            if peek("/") { at += 1 }
        } else {
            tokens.append(.anyDirectories)
        }
        guard at < characters.count else { throw Glob.Invalid(problem: "matches nothing: it is empty") }
        while at < characters.count {
            let character = characters[at]
            at += 1
            switch character {
            case "*": parseStars()
            case "?": tokens.append(.anyCharacter)
            case "[": try parseSet()
            case "\\":
                guard at < characters.count else { throw Glob.Invalid(problem: "ends in a backslash") }
                tokens.append(.character(characters[at].value))
                at += 1
            case "\0": throw Glob.Invalid(problem: "contains a NUL character")
            default: tokens.append(.character(character.value))
            }
        }
        return tokens
    }

    private func peek(_ wanted: Unicode.Scalar, ahead: Int = 0) -> Bool {
        at + ahead < characters.count && characters[at + ahead] == wanted
    }

    /// One star is behind. Two that stand for whole directories are more than a star; anywhere else they are one.
    private mutating func parseStars() {
        let startsName =
            tokens.isEmpty || tokens.last == .character(UInt32(UInt8(ascii: "/"))) || tokens.last == .anyDirectories
        if startsName, peek("*"), peek("/", ahead: 1) {
            at += 2
            if tokens.last != .anyDirectories { tokens.append(.anyDirectories) }
        } else if startsName, peek("*"), at + 1 == characters.count {
            at += 1
            tokens.append(.anything)
        } else {
            while peek("*") { at += 1 }
            tokens.append(.anyInName)
        }
    }

    /// The opening bracket is behind. A closing one that comes first is a member of the set.
    private mutating func parseSet() throws(Glob.Invalid) {
        var ranges: [ClosedRange<UInt32>] = []
        let negated = peek("!") || peek("^")
        if negated { at += 1 }
        while !peek("]") || ranges.isEmpty {
            if let members = try characterClass() {
                ranges += members
                continue
            }
            let low = try setMember()
            if peek("-"), !peek("]", ahead: 1) {
                at += 1
                let high = try setMember()
                guard low <= high else { throw Glob.Invalid(problem: "has a range that runs backwards") }
                ranges.append(low...high)
            } else {
                ranges.append(low...low)
            }
        }
        at += 1
        tokens.append(.set(ranges, negated: negated))
    }

    /// A class such as `[:digit:]`, behind which a `-` is itself. What is not ended by `:]` is no class, but members of
    /// the set.
    private mutating func characterClass() throws(Glob.Invalid) -> [ClosedRange<UInt32>]? {
        guard peek("["), peek(":", ahead: 1) else { return nil }
        let start = at + 2
        guard let end = characters[start...].firstIndex(of: "]"), end > start, characters[end - 1] == ":" else {
            return nil
        }
        let name = String(String.UnicodeScalarView(characters[start..<end - 1]))
        guard let members = GlobClass.members[name] else {
            throw Glob.Invalid(
                problem:
                    "has [:\(name):], and the classes are \(GlobClass.members.keys.sorted().joined(separator: ", "))")
        }
        at = end + 1
        return members
    }

    private mutating func setMember() throws(Glob.Invalid) -> UInt32 {
        if peek("\\") { at += 1 }
        guard at < characters.count else { throw Glob.Invalid(problem: "has a [ without its ]") }
        defer { at += 1 }
        return characters[at].value
    }
}
