/// Trouble that comes again and again is told once, although each try is by a temporary file of another name.
import SpoolProtocol
import SpoolStorage

extension SpoolError {
    /// Whether this is what was told before: the same call failed for the same reason, on the same file but for names that are made up.
    func repeats(_ told: SpoolError?) -> Bool {
        guard let told else { return false }
        return operation == told.operation && code == told.code && Self.lasting(path) == Self.lasting(told.path)
    }

    /// A path, or what rename(2) tells of two, without the names of temporary files and of those that are moved aside.
    private static func lasting(_ path: String) -> String {
        var path = path
        for directory in [Spool.temporaryDirectory, Spool.asideDirectory] {
            guard let start = path.ranges(of: "/\(SpoolFile.privateDirectory)/\(directory)/").last?.upperBound else {
                continue
            }
            path.removeSubrange(start..<(path[start...].firstIndex(of: " ") ?? path.endIndex))
        }
        return path
    }
}
