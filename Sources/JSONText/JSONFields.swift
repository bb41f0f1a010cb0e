/// Reads the members of an object one by one with errors that name the place, and finds the ones nobody asked for.

/// A member that is missing, of the wrong kind, out of range or unknown.
public struct JSONFieldError: Error, Equatable, CustomStringConvertible {
    /// The keys that lead to the member, from the top.
    public let path: [String]
    /// What is wrong and what to write instead, to follow the member's name: "must be a string, not a number".
    public let problem: String

    public init(path: [String], problem: String) {
        self.path = path
        self.problem = problem
    }

    public var description: String { "`\(path.joined(separator: ".").printable(limit: 200))` \(problem)" }
}

public struct JSONFields {
    public let object: JSONObject
    /// The keys that lead to the object; empty for the top.
    public let path: [String]
    private var known: [String] = []

    public init(_ object: JSONObject, path: [String] = []) {
        self.object = object
        self.path = path
    }

    /// The member's value, with null as good as absent.
    public mutating func value(_ key: String) -> JSON? {
        known.append(key)
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    public mutating func string(_ key: String) throws(JSONFieldError) -> String? {
        try read(key, "a string", \.string)
    }

    public mutating func bool(_ key: String) throws(JSONFieldError) -> Bool? {
        try read(key, "true or false", \.bool)
    }

    public mutating func object(_ key: String) throws(JSONFieldError) -> JSONObject? {
        try read(key, "an object", \.object)
    }

    public mutating func strings(_ key: String) throws(JSONFieldError) -> [String]? {
        guard let array = try read(key, "an array of strings", \.array) else { return nil }
        if let index = array.firstIndex(where: { $0.string == nil }) {
            throw wrong(key, "must be an array of strings, but element \(index + 1) is \(array[index].kind)")
        }
        return array.compactMap(\.string)
    }

    public mutating func int(
        _ key: String, in range: ClosedRange<Int> = .min ... .max
    ) throws(JSONFieldError) -> Int? {
        try read(
            key, range == .min ... .max ? "an integer" : "an integer from \(range.lowerBound) to \(range.upperBound)"
        ) {
            value in value.int.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    public mutating func double(
        _ key: String, in range: ClosedRange<Double>
    ) throws(JSONFieldError) -> Double? {
        try read(key, "a number from \(JSON(range.lowerBound).text) to \(JSON(range.upperBound).text)") { value in
            value.double.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A member whose values are the cases of an enumeration.
    public mutating func choice<Choice>(
        _ key: String, of _: Choice.Type = Choice.self
    ) throws(JSONFieldError) -> Choice? where Choice: RawRepresentable<String> & CaseIterable {
        try read(key, "one of " + Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")) { value in
            value.string.flatMap { Choice(rawValue: $0) }
        }
    }

    /// - Throws: `JSONFieldError` "is missing" instead of nil.
    public func require<Value>(_ value: Value?, _ key: String, _ wanted: String) throws(JSONFieldError) -> Value {
        guard let value else { throw JSONFieldError(path: path + [key], problem: "is missing: \(wanted)") }
        return value
    }

    /// What is wrong with the member `key`.
    public func wrong(_ key: String, _ problem: String) -> JSONFieldError {
        JSONFieldError(path: path + [key], problem: problem)
    }

    /// To be called last: every member that was not asked for is an error that names the nearest one that was.
    public func finish() throws(JSONFieldError) {
        guard let unknown = object.keys.first(where: { !known.containsBytes(of: $0) }) else { return }
        let nearest = nearestWord(to: unknown, among: known).map { "; did you mean `\($0)`?" } ?? "."
        throw wrong(
            unknown, "is not a known field\(nearest) The known fields are \(known.sorted().joined(separator: ", ")).")
    }

    private mutating func read<Value>(
        _ key: String, _ wanted: String, _ convert: (JSON) -> Value?
    ) throws(JSONFieldError) -> Value? {
        guard let value = value(key) else { return nil }
        guard let converted = convert(value) else {
            throw wrong(key, "must be \(wanted), not \(value.shown)")
        }
        return converted
    }
}

extension JSON {
    /// The value as a message can show it: itself when it is one short word, else its kind.
    fileprivate var shown: String {
        switch self {
        case .number(let number) where number.text.utf8.count <= 40: number.text
        case .string(let string) where string.utf8.count <= 40: "\"\(string.printable())\""
        case .bool, .null: text
        case .number, .string, .array, .object: kind
        }
    }
}

/// The candidate with the smallest edit distance (Levenshtein) to the word, if it is near enough to be a slip: at most a
/// third of its letters, and two at the least, but fewer than all letters of the word. Else the one that begins alike: with three letters
/// at the least, and three fifths of the shorter one.
public func nearestWord(to word: String, among candidates: [String]) -> String? {
    let scored = candidates.map { (candidate: $0, distance: editDistance(word.lowercased(), $0.lowercased())) }
    guard let best = scored.min(by: { $0.distance < $1.distance }) else { return nil }
    let isSlip = best.distance <= max(2, best.candidate.count / 3) && best.distance < word.count
    return isSlip ? best.candidate : candidateThatBeginsAlike(word, candidates)
}

private func candidateThatBeginsAlike(_ word: String, _ candidates: [String]) -> String? {
    let alike = candidates.map { candidate in
        (candidate: candidate, count: zip(word.lowercased(), candidate.lowercased()).prefix { $0 == $1 }.count)
    }
    let best = alike.filter { $0.count >= 3 && 5 * $0.count >= 3 * min(word.count, $0.candidate.count) }
        .max { ($0.count, -$0.candidate.count) < ($1.count, -$1.candidate.count) }
    return best?.candidate
}

private func editDistance(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, x) in a.prefix(200).enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, y) in b.enumerated() {
            let substituted = diagonal + (x == y ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(row[j] + 1, row[j + 1] + 1, substituted)
        }
    }
    return row[b.count]
}
