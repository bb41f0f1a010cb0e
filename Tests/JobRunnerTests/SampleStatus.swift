/// The status of a job, for tests that need any.
import JSONText
import SpoolProtocol

extension JobStatus {
    static func sample(_ name: String) throws -> JobStatus {
        let time = Timestamp(milliseconds: 1_767_792_792_000)
        let identity = JobIdentity(
            name: try JobName(name), jobID: "id-\(name)", type: "t", description: "", lane: "default", sequence: 1,
            dryRun: false, submittedBy: "anna", createdAt: time, labels: [:], slot: nil)
        return JobStatus(
            identity: identity, standing: .running, updatedAt: time, message: "Running",
            request: Fingerprint(size: 1, seconds: 1, nanoseconds: 1))
    }
}
