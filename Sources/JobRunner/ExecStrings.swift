/// Strings as execve(2) wants them, and as the fork server gets them: one after another in one block, each with its zero byte, which
/// no argument and no variable of an environment has in it.
struct ExecStrings {
    private let bytes: [UInt8]
    /// Where each of them begins.
    private let starts: ArraySlice<Int>

    init(_ strings: [String]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(strings.reduce(0) { $0 + $1.utf8.count + 1 })
        var starts: [Int] = []
        starts.reserveCapacity(strings.count)
        for string in strings {
            starts.append(bytes.count)
            bytes.append(contentsOf: string.utf8)
            bytes.append(0)
        }
        (self.bytes, self.starts) = (bytes, starts[...])
    }

    /// - Parameter block: all that follows its last zero byte counts for nothing.
    init(block: [UInt8]) {
        var starts: [Int] = []
        var next = 0
        for (index, byte) in block.enumerated() where byte == 0 {
            starts.append(next)
            next = index + 1
        }
        (bytes, self.starts) = (block, starts[...])
    }

    private init(_ bytes: [UInt8], _ starts: ArraySlice<Int>) { (self.bytes, self.starts) = (bytes, starts) }

    /// For one that was made from all its strings.
    var block: [UInt8] { bytes }

    var count: Int { starts.count }

    subscript(index: Int) -> String {
        String(decoding: bytes[starts[starts.startIndex + index]...].prefix { $0 != 0 }, as: UTF8.self)
    }

    func prefix(_ count: Int) -> ExecStrings { ExecStrings(bytes, starts.prefix(count)) }

    func dropFirst(_ count: Int) -> ExecStrings { ExecStrings(bytes, starts.dropFirst(count)) }

    /// Calls `body` with pointers to the strings, and nil after the last. They are not to be written to, whatever C says of `argv`.
    func withPointers<Result>(_ body: ([UnsafeMutablePointer<CChar>?]) -> Result) -> Result {
        bytes.withUnsafeBytes { block in
            var pointers: [UnsafeMutablePointer<CChar>?] = []
            pointers.reserveCapacity(count + 1)
            if let base = block.baseAddress {
                for start in starts {
                    pointers.append(UnsafeMutablePointer(mutating: (base + start).assumingMemoryBound(to: CChar.self)))
                }
            }
            pointers.append(nil)
            return body(pointers)
        }
    }
}
