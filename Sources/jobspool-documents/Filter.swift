/// Which documents a job is about. What is not selected is left alone on both sides: not copied, and not deleted.
struct Filter: Sendable {
    /// Empty means everything.
    let include: [Glob]
    /// Wins over `include`.
    let exclude: [Glob]

    enum Verdict: Equatable {
        /// Left alone, with everything below it.
        case excluded
        /// A document that is in, or a directory that is in with everything below it that is not excluded.
        case selected
        /// A directory that is not in itself, but something below it may be.
        case passing
    }

    /// - Parameters:
    ///   - path: from the root of the source.
    ///   - parentIsSelected: what was said of the directory that it is in.
    func verdict(_ path: [UInt8], isDirectory: Bool, parentIsSelected: Bool) -> Verdict {
        if exclude.contains(where: { $0.matches(path, isDirectory: isDirectory) }) { return .excluded }
        if parentIsSelected || include.isEmpty { return .selected }
        if include.contains(where: { $0.matches(path, isDirectory: isDirectory) }) { return .selected }
        return isDirectory ? .passing : .excluded
    }

    /// The verdict on a directory of which nothing is known, from the root down to it.
    func verdict(onDirectory path: RelativePath) -> Verdict {
        var verdict: Verdict = include.isEmpty ? .selected : .passing
        var prefix: [UInt8] = []
        for component in path.components {
            if !prefix.isEmpty { prefix.append(UInt8(ascii: "/")) }
            prefix += component
            verdict = self.verdict(prefix, isDirectory: true, parentIsSelected: verdict == .selected)
            if verdict == .excluded { break }
        }
        return verdict
    }
}
