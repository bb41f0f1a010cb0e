/// What the exit status of a handler tells the daemon. The numbers are those of sysexits.h where it has one.
public enum HandlerExit: Int32, Sendable, CaseIterable {
    /// 0: completed, perhaps with item errors.
    case completed = 0
    /// 1: failed; the failure line says why.
    case failed = 1
    /// 64 (EX_USAGE): the request or its params are wrong; trying again would not help.
    case invalidParams = 64
    /// 70 (EX_SOFTWARE): the handler threw an error that it did not explain.
    case internalError = 70
    /// 75 (EX_TEMPFAIL): failed, and may be retried. Also when the output can no longer be written.
    case temporary = 75
    /// 143 (128 + SIGTERM): asked to stop, and stopped between two items with its checkpoint reported.
    case stopped = 143
}
