/// Whether two requests ask for the same: the same type, parameters and `dry_run`, whatever else they say.
import JSONText

extension Request {
    public func asksForTheSame(as other: Request) -> Bool {
        type == other.type && dryRun == other.dryRun && params == other.params
    }

    /// Equal for requests that ask for the same. Of 64 bits, with a key that is random in each process: that two others
    /// have the same is not to be expected, nor can it be brought about.
    public var workHash: Int {
        var hasher = Hasher()
        hasher.combine(type)
        hasher.combine(dryRun)
        hasher.combine(params)
        return hasher.finalize()
    }
}
