/// Looks at the complete plan before the first change. A source that lost its records must not empty a target.
import JSONText
import JobHandler

enum DeletionGuard {
    /// - Parameters:
    ///   - records: in the source.
    ///   - held: records that the target holds.
    ///   - deletions: those of them that the source does not have.
    /// - Throws: `JobFailure` SOURCE_EMPTY or MAX_DELETE_EXCEEDED, with the numbers and the params to change.
    static func check(records: Int, held: Int, deletions: Int, _ params: SyncParams, source: String) throws(JobFailure)
    {
        if records == 0, held > 0, !params.allowEmpty { throw sourceEmpty("is empty", source, held: held) }
        guard deletions > 0 else { return }
        let percent = Double(deletions) * 100 / Double(max(held, 1))
        var exceeded: [String] = []
        if deletions > params.maxDelete { exceeded.append("`max_delete` is \(params.maxDelete)") }
        if percent > params.maxDeletePercent {
            exceeded.append("`max_delete_percent` is \(JSON(params.maxDeletePercent).text)")
        }
        guard !exceeded.isEmpty else { return }
        let rounded = (percent * 10).rounded() / 10
        throw JobFailure(
            "MAX_DELETE_EXCEEDED",
            """
            \(deletions) of the target's \(held) records (\(JSON(rounded).text) %) would be deleted, and \
            \(exceeded.joined(separator: " and ")): nothing was changed. If that is meant, raise \
            \(exceeded.count == 2 ? "both" : "it").
            """,
            details: [
                "deletions": JSON(deletions), "target_records": JSON(held), "percent": JSON(rounded),
                "max_delete": JSON(params.maxDelete), "max_delete_percent": JSON(params.maxDeletePercent),
            ])
    }

    static func sourceEmpty(_ what: String, _ source: String, held: Int) -> JobFailure {
        JobFailure(
            "SOURCE_EMPTY",
            """
            the source \(source) \(what) and the target is not: nothing was changed. An empty source may empty the target \
            only with `allow_empty`.
            """,
            details: ["source": .string(source), "target_records": JSON(held)])
    }
}
