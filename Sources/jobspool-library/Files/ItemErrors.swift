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

    /// - Parameter path: one that is no UTF-8.
    static func nameRefused(_ path: [UInt8]) -> ItemError {
        let shown = String(decoding: path, as: UTF8.self)
        return ItemError(
            item: shown, code: "NAME_REFUSED", message: "the name of \(shown) is no UTF-8", retryable: false)
    }
}
