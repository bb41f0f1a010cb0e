/// Text from files as it may reach a terminal: what a terminal would take as a command, and what would make text look
/// like other text, is escaped. And how wide text is there.

/// The text on one line, with control characters and those that turn the direction of writing escaped.
func safe(_ text: String) -> String {
    if !text.unicodeScalars.contains(where: isUnsafe) { return text }
    var output = ""
    for scalar in text.unicodeScalars {
        output += isUnsafe(scalar) ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return output
}

/// The same inside of a JSON text, which has such characters nowhere but in its strings.
func escapedInJSON(_ bytes: [UInt8]) -> [UInt8] {
    let text = String(decoding: bytes, as: UTF8.self)
    var output = ""
    for scalar in text.unicodeScalars {
        if scalar != "\n", isUnsafe(scalar) {
            let hex = String(scalar.value, radix: 16)
            output += "\\u" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex
        } else {
            output.unicodeScalars.append(scalar)
        }
    }
    return Array(output.utf8)
}

private func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    // C0, DEL and C1; separators of lines; marks, embeddings and overrides of direction.
    case 0..<0x20, 0x7F..<0xA0, 0x2028...0x2029, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
}

/// The columns that a text takes.
func columns(of text: String) -> Int { text.reduce(0) { $0 + columns(of: $1) } }

private func columns(of character: Character) -> Int {
    character.unicodeScalars.map(columns(of:)).max() ?? 0
}

/// After Unicode Standard Annex 11, East Asian Width: wide and fullwidth are two columns, marks none.
private func columns(of scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case 0x20..<0x300: return 1
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
        0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
        0x1F900...0x1F9FF, 0x20000...0x3FFFD:
        return 2
    default: break
    }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: return scalar.properties.isEmojiPresentation ? 2 : 1
    }
}

/// The text cut to a number of columns, with an ellipsis for what is missing.
func cut(_ text: String, to limit: Int) -> String {
    if columns(of: text) <= limit { return text }
    var output = ""
    var room = max(0, limit - 1)
    for character in text {
        let width = columns(of: character)
        if width > room { break }
        output.append(character)
        room -= width
    }
    return limit > 0 ? output + "…" : ""
}
