public import JSONText

/// What tells one version of a request from the next: its size and modification time. `touch` changes it, a copy that
/// keeps times (`cp -a`, `rsync -a`) does not.
public struct Fingerprint: Sendable, Hashable {
    /// In bytes.
    public let size: Int64
    /// Since 1970-01-01T00:00:00Z; the part below a second in `nanoseconds`.
    public let seconds: Int64
    /// 0 to 999,999,999.
    public let nanoseconds: Int64

    public init(size: Int64, seconds: Int64, nanoseconds: Int64) {
        self.size = size
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// The modification time, to the millisecond.
    public var modifiedAt: Timestamp { Timestamp(milliseconds: seconds * 1000 + nanoseconds / 1_000_000) }
}

extension Fingerprint {
    /// `mtime` is written as stat(1)'s `%.9Y` writes it, in a string: a JSON number would lose its nanoseconds in most readers.
    public var json: JSON {
        let digits = String(nanoseconds)
        let fraction = String(repeating: "0", count: 9 - digits.count) + digits
        return ["size": JSON(size), "mtime": "\(seconds).\(fraction)"]
    }

    public init?(json: JSON?) {
        guard let json, let size = json["size"]?.int64, let mtime = json["mtime"]?.string,
            let dot = mtime.firstIndex(of: "."), let seconds = Int64(mtime[..<dot]),
            let nanoseconds = Int64(mtime[mtime.index(after: dot)...])
        else { return nil }
        self.init(size: size, seconds: seconds, nanoseconds: nanoseconds)
    }
}
