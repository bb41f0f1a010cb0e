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
