/// Words of command lines that are shown for people to copy: names of jobs and paths may have anything in them.
import JSONText

/// The word as a shell takes it literally.
package func shellQuoted(_ word: String) -> String {
    let plain = word.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: "@"), UInt8(ascii: "+"):
            true
        default: false
        }
    }
    if plain, !word.isEmpty { return word }
    // By bytes: with a combining mark behind it a quote is no quote as a character.
    let quoted = word.utf8.split(separator: UInt8(ascii: "'"), omittingEmptySubsequences: false)
    return "'" + quoted.map { String(Substring($0)) }.joined(separator: "'\\''") + "'"
}

/// The path of a file, which must not be taken for an option either.
package func shellQuoted(path: String) -> String { shellQuoted(path.beginsWithBytes("-") ? "./\(path)" : path) }

/// The last word of a command line of jobspool, which must not be taken for an option either.
package func shellQuoted(last word: String) -> String { (word.beginsWithBytes("-") ? "-- " : "") + shellQuoted(word) }
