/// The files of an attempt: `.jobspool/attempts/JOB_ID/N/`, and beside them, for all attempts of a job, `checkpoint.json`,
/// `job.json` and, for the last one, `policy.json`. The one place that spells these names.
///
/// | file | written by | meaning |
/// |---|---|---|
/// | `request.json` | daemon | the handler's standard input |
/// | `stdout`, `stderr` | handler | its two outputs; the flock(2) on `stdout`'s open file lives as long as any process of the attempt |
/// | `control` | – | a FIFO: the daemon asks the supervisor through it, and the kernel tells the daemon of the supervisor's death |
/// | `record.jsonl` | supervisor, and a daemon that stops it | a line before it starts the handler, one when that ends before others of the attempt, and one when no process of the attempt is left: how it ended |
/// | `emptied.json` | daemon | only when the handler has emptied an output: what had been read of it before (`EmptiedOutputs`) |
///
/// A job that waits may have one already: it is made ready behind another (`HandOver`), and nothing has run as long as its record has no
/// line of this attempt and nobody holds the lock. The directory of an attempt that is over is used again for another (`Spares`): ext4
/// keeps the inodes of deleted files back for minutes, and searches past all of them for each new one.
import SpoolProtocol

enum AttemptFile {
    static let request = FileName("request.json")
    static let standardOutput = FileName("stdout")
    static let standardError = FileName("stderr")
    static let control = FileName("control")
    static let record = FileName("record.jsonl")
    static let emptied = FileName("emptied.json")

    // Beside the attempts
    static let checkpoint = FileName("checkpoint.json")
    static let job = FileName("job.json")
    /// `AttemptPolicy`, where it is not the usual one.
    static let policy = FileName("policy.json")

    /// The work directory of a type, from an attempt's own directory: both are in `.jobspool`.
    static func workDirectory(of type: JobType) -> String { "../../../work/\(type)" }

    /// Where the supervisor finds its end of `control`.
    static let controlDescriptor: Int32 = 3
    /// The supervisor's name in argv[0], by which the command knows that it is to be one.
    static let supervisorName = "jobspool-attempt"
}

/// What the daemon asks a supervisor for, one byte each.
enum SupervisorOrder: UInt8 {
    /// TERM, the grace time, KILL.
    case stop = 0x54
}
