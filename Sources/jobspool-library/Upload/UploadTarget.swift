/// Where documents are uploaded to. What it holds of a name is known by its hash, so that what somebody else has
/// written there since is noticed.
import JobHandler

protocol UploadTarget: Sendable {
    /// What the target holds under a name: its hash, or nil for nothing.
    /// - Throws: `ItemError`.
    func hash(of name: String) async throws -> String?

    /// Whether the target takes both names for one, and has it: where case is not told apart, or how letters are
    /// composed.
    func takesForOne(_ name: String, _ other: String) async throws -> Bool

    /// Puts a document there, whole or not at all.
    /// - Throws: `ItemError`, or `JobFailure` when the target takes nothing more.
    func put(_ bytes: [UInt8], as name: String) async throws

    /// - Throws: `ItemError`.
    func delete(_ name: String) async throws
}
