/// The rules of a time zone: how far the clock on the wall is ahead of UTC, and when that changes. In the past by a list of
/// changes, in the future by the rule of the file's footer (RFC 9636). Instants are seconds since 1970-01-01T00:00:00Z
/// without leap seconds.
public struct TimeZoneRules: Sendable, Equatable {
    /// In order; each with the offset that holds from then on.
    private let changes: [Change]
    /// Before the first change.
    private let firstOffset: Int64
    /// After the last change; nil: its offset holds for ever.
    private let footer: PosixTimeZone?

    struct Change: Sendable, Equatable {
        var at: Int64
        /// Local time minus UTC, in seconds.
        var offset: Int64
    }

    /// A span of time with one offset.
    struct Period: Equatable {
        /// When it begins; `distantPast` for the first.
        var start: Int64
        /// When the next one begins.
        var end: Int64
        var offset: Int64
        /// The offset of the period before; its own for the first.
        var previousOffset: Int64
    }

    static let distantPast = -Int64(1) << 50
    static let distantFuture = Int64(1) << 50

    public static let utc = TimeZoneRules(changes: [], firstOffset: 0, footer: nil)

    init(changes: [Change], firstOffset: Int64, footer: PosixTimeZone?) {
        self.changes = changes
        self.firstOffset = firstOffset
        self.footer = footer
    }

    /// Local time minus UTC, in seconds.
    public func offset(at instant: Int64) -> Int64 { period(at: instant).offset }

    func period(at instant: Int64) -> Period {
        let after = changesUntil(instant)
        let listed = Period(
            start: after == 0 ? Self.distantPast : changes[after - 1].at,
            end: after == changes.count ? Self.distantFuture : changes[after].at, offset: offset(ofListed: after),
            previousOffset: offset(ofListed: after - 1))
        guard after == changes.count, let footer else { return listed }
        var period = footer.period(at: instant)
        if period.start <= listed.start {
            period.start = listed.start
            period.previousOffset = changes.isEmpty ? period.offset : listed.previousOffset
        }
        return period
    }

    /// After how many changes it is.
    private func changesUntil(_ instant: Int64) -> Int {
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].at <= instant { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func offset(ofListed number: Int) -> Int64 { number <= 0 ? firstOffset : changes[number - 1].offset }
}
