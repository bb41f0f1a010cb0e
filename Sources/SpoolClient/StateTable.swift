/// The table of DESIGN: which files exist, and which version of the request they are for, says how a job stands.
import SpoolProtocol

/// What a job's files are to each other.
enum FileState: Equatable {
    /// No file that says anything.
    case absent
    /// A request that no daemon has seen; `again` when a finished run is still beside it.
    case dropped(again: Bool)
    case active
    case over
}

/// - Parameters:
///   - request: the version of the request that is in the spool, nil when it is gone
///   - status: the version that the status file is for, and whether it says that the job is over; nil without the file
///   - result: the version that the result is for; nil without the file
func fileState(request: Fingerprint?, status: (request: Fingerprint, isOver: Bool)?, result: Fingerprint?) -> FileState
{
    switch (request, status, result) {
    case (nil, nil, nil): .absent
    // The result is the commit, whatever the status still says.
    case (nil, _, .some): .over
    case (let request?, _, let result?) where request == result: .over
    // A new version beside an old result: taken up already, or not yet.
    case (let request?, let status?, .some):
        status.request == request && !status.isOver ? .active : .dropped(again: true)
    case (.some, nil, .some): .dropped(again: true)
    case (.some, nil, nil): .dropped(again: false)
    // Over without a result: its family is on its way to the archive, or somebody has removed the result.
    case (let request?, let status?, nil):
        status.isOver && status.request != request ? .dropped(again: false) : .active
    case (nil, .some, nil): .active
    }
}
