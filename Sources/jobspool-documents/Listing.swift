/// The names in a directory, sorted by their bytes, in one block of memory.
import Glibc
import JobHandler

struct Listing {
    private var characters: [CChar] = []
    private var offsets: [Int] = []

    /// No names.
    init() {}

    /// - Throws: `SystemCallError`; a directory that could be read in part only has not been read.
    init(of directory: Descriptor, _ path: @autoclosure () -> String) throws(SystemCallError) {
        // A stream owns its descriptor, and this one is still needed.
        let own = try systemCall("open", path()) {
            openat(directory.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard let stream = fdopendir(own) else {
            let code = errno
            close(own)
            throw SystemCallError(operation: "fdopendir", path: path(), errno: code)
        }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw SystemCallError(operation: "readdir", path: path(), errno: errno) }
                break
            }
            let name = UnsafeRawPointer(entry).advanced(by: Self.nameOffset).assumingMemoryBound(to: CChar.self)
            if name[0] == Self.dot, name[1] == 0 || name[1] == Self.dot && name[2] == 0 { continue }
            offsets.append(characters.count)
            characters.append(contentsOf: UnsafeBufferPointer(start: name, count: strlen(name) + 1))
        }
        characters.withUnsafeBufferPointer { characters in
            guard let base = characters.baseAddress else { return }
            offsets.sort { strcmp(base + $0, base + $1) < 0 }
        }
    }

    private static let nameOffset = MemoryLayout<dirent>.offset(of: \.d_name)!
    private static let dot = CChar(bitPattern: UInt8(ascii: "."))

    var count: Int { offsets.count }

    func withName<Result, Failure: Error>(
        _ index: Int, _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try characters.withUnsafeBufferPointer { (characters) throws(Failure) in
            try body(characters.baseAddress! + offsets[index])
        }
    }

    /// The name, without the NUL at its end.
    func bytes(_ index: Int) -> [UInt8] {
        withName(index) { name in (0..<strlen(name)).map { UInt8(bitPattern: name[$0]) } }
    }

    func index(of wanted: UnsafePointer<CChar>) -> Int? {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            let order = withName(middle) { strcmp($0, wanted) }
            if order == 0 { return middle }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// Which names the other listing does not have.
    func missing(in other: Listing) -> [Int] {
        var at = 0
        return (0..<count).filter { index in
            while at < other.count, compare(index, with: other, at) > 0 { at += 1 }
            return at == other.count || compare(index, with: other, at) != 0
        }
    }

    /// Less than zero when the name comes before the other listing's name, as strcmp(3) says it.
    func compare(_ index: Int, with other: Listing, _ otherIndex: Int) -> Int32 {
        withName(index) { name in other.withName(otherIndex) { strcmp(name, $0) } }
    }
}
