/// Checks of the room that is left on the spool's disk. A job needs little; its handler may need more, elsewhere.
package import SpoolStorage

extension DiskSpace {
    /// Below this, in bytes, requests and results will soon not be written any more.
    static let leastBytes: UInt64 = 32 << 20
    static let fewBytes: UInt64 = 256 << 20
    /// A share below 5 % is told as long as that is less than this.
    static let plentyBytes: UInt64 = 10 << 30
    /// A job makes about ten files, most of which go again.
    static let leastFiles: UInt64 = 1000
    static let fewFiles: UInt64 = 10_000
    static let plentyFiles: UInt64 = 100_000

    package var findings: [Finding] { [bytesFinding, filesFinding] }

    private var bytesFinding: Finding {
        let share = Self.percent(free, of: total)
        let message = "\(Self.shown(bytes: free)) free (\(share) %)"
        let remedy = "make room: delete old families in archive/, or move the spool to a larger disk"
        if free < Self.leastBytes {
            return .problem(.space, "only \(message): the next jobs may not be taken in", remedy: remedy)
        }
        if free < Self.fewBytes || (share < 5 && free < Self.plentyBytes) {
            return .warning(.space, "only \(message)", remedy: remedy)
        }
        return .ok(.space, message)
    }

    private var filesFinding: Finding {
        guard let freeFiles else { return .ok(.files, "the file system has no fixed number of files") }
        let share = Self.percent(freeFiles, of: totalFiles)
        let message = "room for \(freeFiles) more files (\(share) % of the inodes)"
        let remedy = "delete what is no longer needed: old families in archive/ have up to six files each"
        if freeFiles < Self.leastFiles { return .problem(.files, "only \(message)", remedy: remedy) }
        if freeFiles < Self.fewFiles || (share < 5 && freeFiles < Self.plentyFiles) {
            return .warning(.files, "only \(message)", remedy: remedy)
        }
        return .ok(.files, message)
    }

    private static func percent(_ part: UInt64, of whole: UInt64) -> Int {
        whole == 0 ? 100 : Int(Double(part) / Double(whole) * 100)
    }

    /// "512 KiB", "1.5 GiB"
    static func shown(bytes: UInt64) -> String {
        for (unit, size) in [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
            as [(String, UInt64)]
        where bytes >= size {
            let (whole, tenth) = (bytes / size, bytes % size * 10 / size)
            return tenth == 0 || whole >= 100 ? "\(whole) \(unit)" : "\(whole).\(tenth) \(unit)"
        }
        return "\(bytes) bytes"
    }
}

extension SpoolDirectory {
    package func spaceFindings() throws(SpoolClientError) -> [Finding] {
        try storage { () throws(SpoolError) in try root.space() }.findings
    }
}
