import Testing

@testable import jobspool_library

@Suite struct HashTests {
    /// sha256sum(1) is the judge, around the lengths at which the padding changes.
    @Test func aHashIsWhatSha256sumSays() throws {
        let lengths = [0, 1, 3, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 100_000]
        let scratch = try Scratch()
        for length in lengths {
            try scratch.write(
                "\(length)", String((0..<length).map { Character(Unicode.Scalar(UInt8(33 + $0 * 7 % 90))) }))
        }
        let sums = try scratch.sh("sha256sum \(lengths.map(String.init).joined(separator: " ")) | cut -d' ' -f1")
        for (length, sum) in zip(lengths, sums.split(separator: "\n")) {
            let bytes = try Descriptor.open("\(scratch.path)/\(length)", 0).readAll(limit: .max, "")
            #expect(bytes.count == length)
            #expect(SHA256.hexadecimal(bytes) == sum)
        }
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (1_000_000, "1970-01-01T00:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
    ])
    func aTimeIsWrittenInUTC(nanoseconds: Int64, text: String) {
        #expect(UTCTime.text(nanoseconds: nanoseconds) == text)
    }
}
