/// The names of a source's directory that its counterpart in the target does not list and has all the same. Many a
/// target takes several names for one: `Report.PDF` and `Report.pdf` (vfat, SMB, ext4 with casefold), an accented
/// letter in one character and in two, `a` and `a.`. What is copied under the one is then in place of what is listed
/// under the other, which must not be deleted.
///
/// By which rules it goes, only the target knows: it is asked for each name that it does not list. Nothing of that is
/// kept beyond the directory in hand.
import Glibc
import JobHandler

struct Aliases {
    enum Finding {
        /// The very name, which is listed, or has been made since the target was listed.
        case listed
        /// A name that the source does not have: what it was called before.
        case respelled([UInt8])
        /// A name that the source has as well, or the one that the source calls so too.
        case taken(by: [UInt8])
        /// Some name, and it cannot be told which.
        case unknown
    }

    private var findings: [Int: Finding] = [:]
    private var respelled: Set<Int> = []

    /// There is no target.
    init() {}

    /// - Parameters:
    ///   - names: of the source's directory.
    ///   - others: of the target's.
    init(
        _ names: Listing, _ others: Listing, in target: Descriptor, _ path: @autoclosure () -> String
    ) throws(SystemCallError) {
        guard others.count > 0 else { return }
        let found = names.missing(in: others).filter { names.withName($0) { target.identity(of: $0) != nil } }
        guard !found.isEmpty else { return }
        let now = try Listing(of: target, path())
        let lookup = OtherNames(others, in: target)
        var holders: [Int: [UInt8]] = [:]
        for index in found {
            let name = names.bytes(index)
            if names.withName(index, { now.index(of: $0) }) != nil {
                findings[index] = .listed
            } else if let other = names.withName(index, { lookup.place(of: $0) }) {
                let holder =
                    others.withName(other) { names.index(of: $0) } == nil ? holders[other] : others.bytes(other)
                if let holder {
                    findings[index] = .taken(by: holder)
                } else {
                    findings[index] = .respelled(others.bytes(other))
                    holders[other] = name
                    respelled.insert(other)
                }
            } else {
                findings[index] = .unknown
            }
        }
    }

    subscript(index: Int) -> Finding? { findings[index] }

    /// Whether the source has the target's name under another spelling.
    func isInSource(_ other: Int) -> Bool { respelled.contains(other) }
}

/// The names of a directory, to be found by others that lead to them.
struct OtherNames {
    private let directory: Descriptor
    private var alike: [String: [Int]] = [:]
    private var identical: [FileIdentity: [Int]] = [:]

    init(_ listing: Listing, in directory: Descriptor) {
        self.directory = directory
        for index in 0..<listing.count {
            alike[Self.folded(listing.bytes(index)), default: []].append(index)
            if let identity = listing.withName(index, { directory.identity(of: $0) }) {
                identical[identity, default: []].append(index)
            }
        }
    }

    /// The one that the name leads to: the same file and a name alike, or else the only one of which either is true.
    /// Hard links are one file, and on some file systems (FUSE) one file has a number for each way to spell it.
    func place(of name: UnsafePointer<CChar>) -> Int? {
        let identity = directory.identity(of: name)
        let alike =
            alike[Self.folded(UnsafeBufferPointer(start: name, count: strlen(name)).map { UInt8(bitPattern: $0) })]
            ?? []
        let identical = identity.flatMap { self.identical[$0] } ?? []
        if let both = alike.first(where: identical.contains) { return both }
        if !identical.isEmpty { return identical.count == 1 ? identical[0] : nil }
        return alike.count == 1 ? alike[0] : nil
    }

    /// Equal for names that differ by case or by how their letters are composed: Swift's strings are equal then.
    private static func folded(_ name: [UInt8]) -> String { display(name).uppercased().lowercased() }
}

extension Descriptor {
    /// Of what a name leads to, without following a symbolic link; nil for nothing, and for what cannot be looked at,
    /// of which whoever uses it is told the reason.
    func identity(of name: UnsafePointer<CChar>) -> FileIdentity? {
        do {
            return try FileStatus(of: name, in: self, "").identity
        } catch {
            return nil
        }
    }

    /// Makes sure that a name that is new is not one that the directory takes for another, which would be overwritten:
    /// one that this job has just put there, as nothing had that name before. What somebody has made meanwhile is
    /// spelled as asked.
    /// - Throws: `ItemError` NAME_TAKEN.
    func checkIsFree(_ name: UnsafePointer<CChar>, _ path: [UInt8]) throws {
        guard identity(of: name) != nil else { return }
        let listing = try Listing(of: self, display(path))
        guard listing.index(of: name) == nil else { return }
        throw ItemError.nameTaken(path, by: OtherNames(listing, in: self).place(of: name).map(listing.bytes))
    }
}

extension ItemError {
    /// - Parameter other: the name that the target has; nil when it cannot be told.
    static func nameTaken(_ path: [UInt8], by other: [UInt8]?, _ what: String = "") -> ItemError {
        ItemError(
            item: display(path), code: "NAME_TAKEN",
            message: """
                \(display(path)): the target takes this name for \(other.map(display) ?? "another of its names")\(what), \
                and does not keep both: rename one of them, or exclude it
                """, retryable: false)
    }
}
