/// What libFuzzer calls: see ../fuzz.sh. The first byte of an input says what the rest is to be decoded as. With `JOBSPOOL_FUZZ_OWN` the inputs
/// are what daemons wrote, which has to be read.
import Glibc
import JSONText
import SpoolProtocol

private let areOwn = getenv("JOBSPOOL_FUZZ_OWN") != nil

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let first = bytes?.pointee, let check = DecodingCheck(rawValue: Character(UnicodeScalar(first))) else {
        // Not worth keeping.
        return -1
    }
    let input = Array(UnsafeBufferPointer(start: bytes, count: count).dropFirst())
    if let problem = check.problem(with: input) { fatalError("\(check): \(problem)") }
    if areOwn, !check.reads(input) { fatalError("\(check): a daemon wrote it, and it is not read") }
    return 0
}
