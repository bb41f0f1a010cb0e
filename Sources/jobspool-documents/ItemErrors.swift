/// What a failed system call means for one item, or for the whole job.
import Glibc
import JSONText
import JobHandler

extension ItemError {
    /// - Parameter item: the path from the root.
    init(_ error: SystemCallError, item: String) {
        let (code, retryable) =
            switch error.errno {
            case EACCES, EPERM: ("PERMISSION_DENIED", false)
            case ENOENT: ("VANISHED", true)
            case ELOOP, ENOTDIR, EISDIR: ("CHANGED_KIND", true)
            case ENOTEMPTY, EEXIST: ("NOT_EMPTY", true)
            case EMFILE, ENFILE, ENOMEM: ("OUT_OF_RESOURCES", true)
            case ENAMETOOLONG, EINVAL, EILSEQ: ("NAME_REFUSED", false)
            case EFBIG: ("TOO_LARGE", false)
            case EBUSY, ETXTBSY: ("BUSY", true)
            default: ("IO_ERROR", true)
            }
        self.init(item: item, code: code, message: error.description, retryable: retryable)
    }
}

extension JobFailure {
    /// The failure of the whole job that the error of one item stands for: every other item would fail alike. nil when
    /// the job can go on.
    init?(ifHopeless error: SystemCallError) {
        switch error.errno {
        case ENOSPC, EDQUOT:
            self.init(
                "NO_SPACE", "the target is full: \(error)", details: ["path": .string(error.path)], exit: .temporary)
        case EROFS:
            self.init("TARGET_READ_ONLY", "the target cannot be written to: \(error)")
        default: return nil
        }
    }
}
