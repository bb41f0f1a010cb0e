/// Files that nobody can look at, though the disk is well: a file system that somebody has mounted on a name of the spool (mount.fuse(8)) answers
/// its own user alone, not even root. Such a name counts for nothing until it can be looked at; it must hold nobody else up.
import Glibc
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// So many are remembered, and told of.
    private static let most = 1000

    /// Whether an error is about one of these files of the spool, and about nothing else; then that is told, once.
    func isOfOneFile(_ error: SpoolError, among files: [FileName]) -> Bool {
        let root = spool.root
        guard let file = files.first(where: { root.path($0) == error.path }) else { return false }
        // The disk's own trouble passes, or is about the directory as well.
        guard root.failsAlone(file) else { return false }
        if unlookable.count < Self.most, unlookable.insert(file).inserted {
            notice("\(file) cannot be looked at, and counts for nothing until it can: \(error.reason)")
        }
        return true
    }

    func isOfOneFile(_ error: SpoolError, _ file: FileName) -> Bool { isOfOneFile(error, among: [file]) }

    /// The same for the files of jobs.
    func isOfOneFile(_ error: SpoolError, of names: [JobName]) -> Bool {
        isOfOneFile(error, among: names.flatMap(Self.files))
    }

    /// The same for a file that has been heard of, and those that belong to it.
    func isOfOneFile(_ error: SpoolError, around file: FileName) -> Bool {
        switch SpoolFile(file) {
        case .request(let name), .cancel(let name): isOfOneFile(error, of: [name])
        case .schedule(let name):
            isOfOneFile(error, among: [file] + [SpoolFile.scheduleStatus(name)].compactMap(\.fileName))
        case .status, .log, .errors, .result, .scheduleStatus, .pause, .spoolStatus, .events, .badName, .ignored:
            isOfOneFile(error, file)
        }
    }

    private static func files(of name: JobName) -> [FileName] {
        [SpoolFile.request(name), .status(name), .result(name), .log(name), .errors(name), .cancel(name)]
            .compactMap(\.fileName)
    }

    /// Those that can be looked at again are told of when it happens again, and jobs that wait for them hear of it.
    func forgetLookable() {
        restoreLookable()
        let root = spool.root
        for file in unlookable where !root.failsAlone(file) {
            unlookable.remove(file)
            switch SpoolFile(file) {
            case .request(let name), .result(let name), .status(let name): recheckDependents(on: name)
            case .cancel, .schedule, .scheduleStatus, .log, .errors, .pause, .spoolStatus, .events, .badName, .ignored:
                break
            }
        }
    }
}
