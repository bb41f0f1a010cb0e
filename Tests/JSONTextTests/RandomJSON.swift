/// Random JSON that is the same in every run.
import JSONText
import TestSupport

extension JSON {
    static func random(
        _ random: inout SeededGenerator, depth: Int = 4,
        numbers: [String] = ["0", "-0", "1.10", "9223372036854775807", "18446744073709551616", "1e400", "-2.5E-3"]
    ) -> JSON {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 4), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2:
            let text = numbers.randomElement(using: &random) ?? "0"
            do { return try JSON(parsing: text) } catch { preconditionFailure("\(error)") }
        case 3: return .string(randomString(&random))
        case 4, 5:
            let count = Int.random(in: 0..<5, using: &random)
            return .array((0..<count).map { _ in .random(&random, depth: depth - 1, numbers: numbers) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<25, using: &random) {
                object[randomString(&random)] = .random(&random, depth: depth - 2, numbers: numbers)
            }
            return .object(object)
        }
    }

    private static func randomString(_ random: inout SeededGenerator) -> String {
        let ranges: [ClosedRange<UInt32>] = [
            0...0x1F, 0x20...0x7E, 0x7F...0x7FF, 0x300...0x36F, 0xE000...0xFFFF, 0x10000...0x10FFFF,
        ]
        var string = ""
        for _ in 0..<Int.random(in: 0..<8, using: &random) {
            let range = ranges.randomElement(using: &random) ?? 0x20...0x7E
            if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) {
                string.unicodeScalars.append(scalar)
            }
        }
        return string
    }
}
