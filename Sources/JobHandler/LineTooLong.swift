/// A line that the daemon would cut, and then take for a line of the log: what it says would be lost.
import JSONText

struct LineTooLong: Error, Equatable {
    /// What the daemon reads of a line, in bytes, without the line break.
    static let limit = 1 << 20

    /// Of the line, without its line break.
    let bytes: Int

    func failure(_ code: String, _ what: String, remedy: String) -> JobFailure {
        JobFailure(
            code, "\(what) makes a line of \(bytes) bytes, and the daemon reads \(Self.limit) at the most: \(remedy)",
            details: ["bytes": JSON(bytes), "limit": JSON(Self.limit)])
    }
}

extension String {
    /// How much of a text goes into a line in any case, in bytes of UTF-8: three of them, of which JSON makes six times as much, fit.
    private static let beginning = 50_000

    /// The text, or its beginning and how long it is.
    var cutForLine: String {
        let count = utf8.count
        if count <= Self.beginning { return self }
        return String(decoding: utf8.prefix(Self.beginning), as: UTF8.self) + "… (\(count) bytes)"
    }
}
