/// The supervisor of one attempt: what this program is when it is started under the name `jobspool-attempt`.

func runAttemptSupervisor(_ arguments: [String]) -> Int32 {
    Stream.diagnostics.note("not built yet")
    return 70
}
