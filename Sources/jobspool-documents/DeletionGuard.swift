/// Looks at the complete plan before the first deletion. A source that lost its contents, an unmounted disk or a typing
/// error must not empty a target.
import JSONText
import JobHandler

enum DeletionGuard {
    /// - Throws: `JobFailure` SOURCE_EMPTY or MAX_DELETE_EXCEEDED, with the numbers and the params to change.
    static func check(_ plan: Plan, _ params: SyncParams) throws(JobFailure) {
        guard params.delete, plan.scanErrors == 0 else { return }
        if plan.documents == 0, plan.targetDocuments > 0, !params.allowEmpty {
            throw sourceEmpty("is empty", params, targetDocuments: plan.targetDocuments)
        }
        let deletions = plan.documentsToDelete
        guard deletions > 0 else { return }
        let percent = Double(deletions) * 100 / Double(max(plan.targetDocuments, 1))
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
            \(deletions) of the target's \(plan.targetDocuments) documents (\(JSON(rounded).text) %) would be deleted, \
            and \(exceeded.joined(separator: " and ")): nothing was changed. If that is meant, raise \
            \(exceeded.count == 2 ? "both" : "it").
            """,
            details: [
                "deletions": JSON(deletions), "target_documents": JSON(plan.targetDocuments),
                "percent": JSON(rounded), "max_delete": JSON(params.maxDelete),
                "max_delete_percent": JSON(params.maxDeletePercent),
            ])
    }

    /// - Parameter targetDocuments: nil when nobody counted them.
    static func sourceEmpty(_ what: String, _ params: SyncParams, targetDocuments: Int?) -> JobFailure {
        JobFailure(
            "SOURCE_EMPTY",
            """
            the source \(params.source)/\(display(params.path.bytes)) \(what) and the target is not: nothing was \
            changed. Is it mounted? An empty source may empty the target only with `allow_empty`.
            """,
            details: [
                "source": .string(params.source), "path": .string(display(params.path.bytes)),
                "target_documents": JSON(targetDocuments),
            ])
    }
}
