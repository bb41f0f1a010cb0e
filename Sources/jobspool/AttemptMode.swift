/// The supervisor of one attempt: what this program is when it is started under the name `jobspool-attempt`.
import JobRunner

func runAttemptSupervisor(_ arguments: [String]) -> Int32 { AttemptSupervisor.main(arguments) }
