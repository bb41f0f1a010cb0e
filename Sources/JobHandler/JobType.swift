/// A job type implemented in Swift: its params, decoded and checked before anything runs, and the work.
///
///     struct Greeting: JobType {
///         let whom: String
///         init(params: inout JSONFields) throws {
///             whom = try params.require(try params.string("whom"), "whom", "who is to be greeted")
///         }
///         func run(_ job: Job) async throws -> JSON? {
///             job.log("Hello, \(whom)")
///             return ["greeted": 1]
///         }
///     }
public import JSONText

public protocol JobType: Sendable {
    /// Takes every param that the type knows; one that was not asked for is an error that names the nearest known one.
    /// - Throws: `JSONFieldError`, or `JobFailure.invalidParams` for what a single field cannot tell.
    init(params: inout JSONFields) throws

    /// Does the work.
    /// - Returns: the job's result value; nil for none.
    /// - Throws: `JobFailure` for a failure with a code, `JobStopped` after a stop. Any other error ends the job as
    ///   HANDLER_FAILED, exit status 70.
    func run(_ job: Job) async throws -> JSON?
}
