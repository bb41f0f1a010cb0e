/// What libFuzzer calls: see ../fuzz.sh. The first byte of an input says what the rest is to be decoded as.
import Glibc
import JSONText
import SpoolProtocol

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let first = bytes?.pointee, let check = DecodingCheck(rawValue: Character(UnicodeScalar(first))) else {
        // Not worth keeping.
        return -1
    }
    let input = Array(UnsafeBufferPointer(start: bytes, count: count).dropFirst())
    if let problem = check.problem(with: input) { fatalError("\(check): \(problem)") }
    return 0
}
