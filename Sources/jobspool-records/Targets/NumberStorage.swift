/// How a column holds a JSON number: as an integer or a double where that is the same number, else as its text, so that no
/// digit is lost.
enum NumberStorage: Equatable {
    case integer(Int64)
    case real(Double)
    case text

    init(_ text: String) {
        if let integer = Int64(text) {
            self = .integer(integer)
        } else if let double = Double(text), double.isFinite, Self.digits("\(double)") == Self.digits(text) {
            self = .real(double)
        } else {
            self = .text
        }
    }

    /// What the number is, whatever the way it is written: its digits without zeros at either end, and the power of ten.
    private static func digits(_ text: String) -> Decimal {
        var (digits, power, isNegative, isFraction, exponent) = ([UInt8](), 0, false, false, 0)
        var rest = Substring(text).utf8
        if rest.first == 0x2D {
            isNegative = true
            rest.removeFirst()
        }
        if let e = rest.firstIndex(where: { $0 | 0x20 == 0x65 }) {
            let written = rest[rest.index(after: e)...]
            exponent = Int(String(Substring(written.first == 0x2B ? written.dropFirst() : written))) ?? .max / 2
            rest = rest[..<e]
        }
        for byte in rest {
            if byte == 0x2E {
                isFraction = true
            } else {
                digits.append(byte)
                if isFraction { power -= 1 }
            }
        }
        while digits.last == 0x30 {
            digits.removeLast()
            power += 1
        }
        let significant = Array(digits.drop { $0 == 0x30 })
        return significant.isEmpty
            ? Decimal(digits: [], power: 0, isNegative: false)
            : Decimal(digits: significant, power: power &+ exponent, isNegative: isNegative)
    }

    private struct Decimal: Equatable {
        var digits: [UInt8]
        var power: Int
        var isNegative: Bool
    }
}
