/// Looks at all deletions before the first one: an unmounted disk or a typing error must not empty anything.
import JSONText
import JobHandler

struct DeletionLimit: Sendable {
    let maxDelete: Int
    let maxDeletePercent: Double
    let allowEmpty: Bool

    init(_ fields: inout JSONFields) throws {
        maxDelete = try fields.int("max_delete", in: 0 ... .max) ?? 100
        maxDeletePercent = try fields.double("max_delete_percent", in: 0...100) ?? 10
        allowEmpty = try fields.bool("allow_empty") ?? false
    }

    /// - Parameters:
    ///   - what: what is deleted from, as in "the cache".
    ///   - held: documents that it holds.
    ///   - isSourceEmpty: nothing was found that it should hold.
    /// - Throws: `JobFailure` SOURCE_EMPTY or MAX_DELETE_EXCEEDED.
    func check(_ deletions: Int, from what: String, held: Int, isSourceEmpty: Bool) throws(JobFailure) {
        guard deletions > 0 else { return }
        if isSourceEmpty, !allowEmpty {
            throw JobFailure(
                "SOURCE_EMPTY",
                "there are no documents any more, and \(what) has \(held): nothing was deleted. Is everything mounted? "
                    + "\(what.capitalizedFirst) may be emptied only with `allow_empty`.",
                details: ["held": JSON(held)])
        }
        let percent = Double(deletions) * 100 / Double(max(held, 1))
        var exceeded: [String] = []
        if deletions > maxDelete { exceeded.append("`max_delete` is \(maxDelete)") }
        if percent > maxDeletePercent { exceeded.append("`max_delete_percent` is \(JSON(maxDeletePercent).text)") }
        guard !exceeded.isEmpty else { return }
        let rounded = (percent * 10).rounded() / 10
        throw JobFailure(
            "MAX_DELETE_EXCEEDED",
            """
            \(deletions) of the \(held) documents of \(what) (\(JSON(rounded).text) %) would be deleted, and \
            \(exceeded.joined(separator: " and ")): nothing was deleted. If that is meant, raise \
            \(exceeded.count == 2 ? "both" : "it").
            """,
            details: [
                "deletions": JSON(deletions), "held": JSON(held), "percent": JSON(rounded),
                "max_delete": JSON(maxDelete), "max_delete_percent": JSON(maxDeletePercent),
            ])
    }
}

extension String {
    var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
