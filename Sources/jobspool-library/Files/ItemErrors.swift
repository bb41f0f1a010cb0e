/// What a failed system call means for one item, or for the whole job.
import Glibc
import JobHandler

extension ItemError {
    /// - Parameter item: the document's path or IRI.
    init(_ error: SystemCallError, item: String) {
        let (code, retryable) =
            switch error.errno {
            case EACCES, EPERM: ("PERMISSION_DENIED", false)
            case ENOENT, ENOTDIR: ("NOT_FOUND", true)
            case EISDIR, ELOOP, ENXIO: ("NOT_A_FILE", false)
            case EMFILE, ENFILE, ENOMEM: ("OUT_OF_RESOURCES", true)
            case ENAMETOOLONG, EINVAL, EILSEQ: ("NAME_REFUSED", false)
            case EFBIG: ("TOO_LARGE", false)
            default: ("IO_ERROR", true)
            }
        self.init(item: item, code: code, message: error.description, retryable: retryable)
    }
}
