/// Files that have to stay as they are for the settling time before they are judged.
import SpoolProtocol
import SpoolStorage

/// By the names of their jobs, or their own.
struct SettlingFiles<Name: Hashable & Sendable> {
    private var files: [Name: Settling] = [:]

    struct Settling {
        /// nil: there is no file; it has been deleted, perhaps to be written anew.
        var stat: FileStat?
        /// CLOCK_MONOTONIC, seconds.
        var since: Double
    }

    /// Set to nil, a file is waited for no longer.
    subscript(_ name: Name) -> Settling? {
        get { files[name] }
        set { files[name] = newValue }
    }

    /// Whether the file has been as it is for so many seconds. If not, it is from now on waited for.
    mutating func hasSettled(_ name: Name, _ stat: FileStat?, for seconds: Double, now: Double) -> Bool {
        if let known = files[name], known.stat == stat { return now - known.since >= seconds }
        files[name] = Settling(stat: stat, since: now)
        return false
    }

    /// Those whose time is over, and when (CLOCK_MONOTONIC) that of the next one is.
    func due(after seconds: Double, now: Double) -> (names: [Name], next: Double?) {
        let isOver = { (settling: Settling) in now - settling.since >= seconds }
        return (
            files.filter { isOver($0.value) }.map(\.key),
            files.values.filter { !isOver($0) }.map { $0.since + seconds }.min()
        )
    }
}
