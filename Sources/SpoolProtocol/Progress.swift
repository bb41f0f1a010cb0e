public import JSONText

/// How far an attempt is, as its handler reports it. What is not known is nil, never invented.
public struct Progress: Sendable, Equatable {
    public var phase: String?
    /// Items done.
    public var processed: Int64?
    /// Items in all.
    public var total: Int64?
    /// 0 to 100 with one decimal; never goes back within an attempt.
    public var percent: Double?
    /// The item in hand.
    public var current: String?
    /// Items a second, since the attempt's first report.
    public var ratePerSecond: Double?
    /// Until the last item at that rate.
    public var etaSeconds: Double?
    public var bytes: Int64?
    public var totalBytes: Int64?

    public init() {}
}

extension Progress {
    /// Takes a report over. `elapsed` is the time since the first report of the attempt, in seconds, and `startedFrom`
    /// what that report had processed.
    public mutating func take(_ report: ProgressReport, elapsed: Double, startedFrom: Int64) {
        phase = report.phase ?? phase
        processed = report.current ?? processed
        total = report.total ?? total
        current = report.item ?? current
        bytes = report.bytes ?? bytes
        totalBytes = report.totalBytes ?? totalBytes
        if let processed, let total, total > 0 {
            // In integers, rounded down: 100.0 is said only when everything is done.
            let done = min(max(0, processed), total)
            let tenths = total.dividingFullWidth(done.multipliedFullWidth(by: 1000)).quotient
            percent = max(percent ?? 0, Double(tenths) / 10)
        }
        // In Doubles: nothing that a handler can say overflows.
        let rate = processed.map { (Double($0) - Double(startedFrom)) / elapsed } ?? 0
        guard let processed, elapsed > 0.2, rate > 0 else {
            // Nothing done yet, or the handler has begun to count anew: there is no rate.
            (ratePerSecond, etaSeconds) = (nil, nil)
            return
        }
        ratePerSecond = (rate * 10).rounded() / 10
        etaSeconds = total.map { (max(0, Double($0) - Double(processed)) / rate * 10).rounded() / 10 }
    }
}

extension Progress {
    public var json: JSON {
        [
            "phase": JSON(phase), "processed": processed.map { JSON($0) } ?? .null,
            "total": total.map { JSON($0) } ?? .null, "percent": JSON(percent), "current": JSON(current),
            "rate_per_second": JSON(ratePerSecond), "eta_seconds": JSON(etaSeconds),
            "bytes": bytes.map { JSON($0) } ?? .null, "total_bytes": totalBytes.map { JSON($0) } ?? .null,
        ]
    }

    public init(json: JSON?) {
        phase = json?["phase"]?.string
        processed = json?["processed"]?.int64
        total = json?["total"]?.int64
        percent = json?["percent"]?.double
        current = json?["current"]?.string
        ratePerSecond = json?["rate_per_second"]?.double
        etaSeconds = json?["eta_seconds"]?.double
        bytes = json?["bytes"]?.int64
        totalBytes = json?["total_bytes"]?.int64
    }
}
