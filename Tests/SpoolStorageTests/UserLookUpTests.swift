/// Users and groups as the system's databases have them.
import Glibc
import Testing

@testable import SpoolStorage

@Suite("A user or a group")
struct UserLookUpTests {
    @Test("is found however large its entry is") func large() {
        for room in [10, 4096, 100_000] {
            var tried: [Int] = []
            let found = Users.withGrowingBuffer(from: 8) { _, size in
                tried.append(size)
                return size < room ? ERANGE : 0
            } take: {
                "found"
            }
            #expect(found == "found")
            #expect(tried.dropLast().allSatisfy { $0 < room })
        }
    }

    @Test("is not found when there is none, and when it cannot be looked up") func none() {
        for code in [ENOENT, EIO, ERANGE] {
            let found = Users.withGrowingBuffer(from: 1 << 20) { _, _ in
                code
            } take: {
                "found"
            }
            #expect(found == nil)
        }
        #expect(Users.groupNumber(of: "no such group") == nil)
        #expect(Users.number(of: "no such user") == nil)
        #expect(Users.number(of: "4711") == 4711)
    }
}
