/// What two values have to have in common to be the same to a rule. A value of which nothing is left matches nothing.
enum Normalizer: String, CaseIterable, Sendable {
    /// As it is written.
    case exact
    /// Without regard to case and to space around it.
    case lower
    /// Letters and digits alone, without regard to case: "ab-12 / 3" is "AB123".
    case sku
    /// Without regard to case, space and "mailto:"; it has to have an @ with something on both sides.
    case email
    /// Digits, with the country's code: "+49 (0)30 123-456", "0049 30 123456" and, where the rule says the country,
    /// "030 123456" are the same.
    case phone

    /// - Parameter country: its calling code, for phone numbers without one: "49".
    /// - Returns: nil for a value that matches nothing.
    func normalize(_ value: String, country: String? = nil) -> String? {
        let normal =
            switch self {
            case .exact: value
            case .lower: value.trimmed.lowercased()
            case .sku: String(value.uppercased().filter { $0.isLetter || $0.isNumber })
            case .email: Self.email(value)
            case .phone: Self.phone(value, country)
            }
        return normal.isEmpty ? nil : normal
    }

    private static func email(_ value: String) -> String {
        var address = value.trimmed.lowercased()[...]
        if let open = address.lastIndex(of: "<"), address.last == ">" {
            address = address[address.index(after: open)...].dropLast()
        }
        if address.hasPrefix("mailto:") { address = address.dropFirst(7) }
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && !$0.contains(" ") } ? String(address) : ""
    }

    private static func phone(_ value: String, _ country: String?) -> String {
        // "Tel.: 123 ext. 12", "123 x12": neither what comes before nor an extension is part of the number.
        let number = String(value.drop { !$0.isNumber && $0 != "+" && $0 != "(" }.prefix { !$0.isLetter && $0 != ";" })
        // "(0)" is there to be left out when the country's code is dialled.
        let isInternational = number.contains("+")
        let written = isInternational ? number.replacing("(0)", with: "") : number
        var digits = written.compactMap { $0.wholeNumberValue }.map { "\($0)" }.joined()
        guard digits.count >= 5 else { return "" }
        if isInternational { return digits }
        if digits.hasPrefix("00") { return String(digits.dropFirst(2)) }
        if let country {
            if digits.hasPrefix("0") { digits.removeFirst() }
            return country + digits
        }
        return digits
    }
}

extension String {
    fileprivate var trimmed: String {
        let start = drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }
}
