import Testing

@testable import SpoolProtocol

@Suite("A job's identifier")
struct JobIDTests {
    @Test(
        "is its text again",
        arguments: ["00000000-0000-0000-0000-000000000000", "3f4599bf-6297-4e35-8e3c-a84c0d870cfb"])
    func roundTrip(text: String) { #expect(JobID(text)?.string == text) }

    @Test(
        "is nothing but a UUID in lower case",
        arguments: [
            "", "a", "3F4599BF-6297-4E35-8E3C-A84C0D870CFB", "3f4599bf62974e358e3ca84c0d870cfb",
            "3f4599bf-6297-4e35-8e3c-a84c0d870cf", "3f4599bf-6297-4e35-8e3c-a84c0d870cfb0",
            "3f4599bf-6297-4e35-8e3ca-84c0d870cfb", "-f4599bf-6297-4e35-8e3c-a84c0d870cfb",
            "3f4599bg-6297-4e35-8e3c-a84c0d870cfb", "ä4599bf-6297-4e35-8e3c-a84c0d870cfb",
        ])
    func others(text: String) { #expect(JobID(text) == nil) }

    @Test("that is random is of version 4, and of no other job") func random() {
        let identifiers = (0..<1000).map { _ in JobID.random() }
        #expect(Set(identifiers).count == 1000)
        for text in identifiers.map(\.string) {
            #expect(JobID(text)?.string == text)
            #expect(Array(text)[14] == "4")
            #expect("89ab".contains(Array(text)[19]))
        }
    }
}
