/// How an API hands out its records page by page, and, from one page, where the next one is. Pure.
import JSONText

/// The param `paging`.
struct Paging: Sendable {
    enum Style: String, CaseIterable {
        /// One request, one page.
        case none
        /// `?page=2&limit=100`
        case page
        /// `?skip=100&limit=100`
        case skip
        /// `?cursor=TOKEN`, which the body names.
        case cursor
        /// `Link: <…>; rel="next"` (RFC 8288)
        case link
        /// An address in the body.
        case next
    }

    let style: Style
    /// The parameter of the query with the page, the number of records to skip, or the cursor.
    let parameter: String
    /// The first page's number.
    let first: Int
    let limitParameter: String
    /// Records a page; nil leaves it to the server.
    let limit: Int?
    /// Where the body has the cursor or the address of the next page.
    let nextPath: [String]
    /// Where the body has the number of records in all.
    let totalPath: [String]?
    /// The header that has it.
    let totalHeader: String?
    /// Where the body has the number of pages.
    let pagesPath: [String]?
    /// Where the body says whether there is more.
    let morePath: [String]?

    static let none = Paging()

    private init() {
        (style, parameter, first, limitParameter, limit, nextPath) = (.none, "", 1, "", nil, [])
        (totalPath, totalHeader, pagesPath, morePath) = (nil, nil, nil, nil)
    }

    /// - Parameter value: the name of a style, or an object.
    init(_ value: JSON, of fields: JSONFields) throws {
        let path = fields.path + ["paging"]
        let given = value.string.map { JSONObject([("style", .string($0))]) } ?? value.object
        guard let given else {
            throw fields.wrong("paging", "must be the name of a style or an object, not \(value.kind)")
        }
        var members = JSONFields(given, path: path)
        let style: Style = try members.require(
            try members.choice("style"), "style", "one of " + Style.allCases.map(\.rawValue).joined(separator: ", "))
        self.style = style
        let usual =
            switch style {
            case .page: "page"
            case .skip: "skip"
            case .cursor: "cursor"
            case .none, .link, .next: ""
            }
        parameter =
            try Self.belongs("param", try members.string("param"), style, [.page, .skip, .cursor], members) ?? usual
        first = try Self.belongs("first", try members.int("first", in: 0...1_000_000_000), style, [.page], members) ?? 1
        limitParameter = try members.string("limit_param") ?? "limit"
        limit = try members.int("limit", in: 1...1_000_000)
        nextPath = try Self.keys("next", &members) ?? (style == .cursor ? ["next_cursor"] : ["next"])
        totalPath = try Self.keys("total", &members)
        totalHeader = try members.string("total_header")
        pagesPath = try Self.keys("pages", &members)
        morePath = try Self.keys("more", &members)
        if parameter.isEmpty, !usual.isEmpty || members.object["param"] != nil {
            throw members.wrong("param", "must be the name of a parameter")
        }
        try members.finish()
    }

    private static func belongs<Value>(
        _ key: String, _ value: Value?, _ style: Style, _ styles: [Style], _ members: JSONFields
    ) throws -> Value? {
        if value != nil, !styles.contains(style) {
            throw members.wrong(key, "is for \(styles.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))")
        }
        return value
    }

    /// Keys with dots between them, or a list of keys, which may have dots in them.
    static func keys(_ key: String, _ members: inout JSONFields) throws -> [String]? {
        if members.object[key]?.array != nil { return try members.strings(key) }
        return try members.string(key)?.split(separator: ".").map(String.init)
    }
}

// MARK: - From page to page

/// Which page: what has to be known to ask for it, and where an attempt that goes on begins.
enum PageMark: Sendable, Equatable {
    /// The first one: the address as the params give it.
    case first
    /// The page of this number.
    case page(Int)
    /// That which follows so many records.
    case skip(Int)
    case cursor(String)
    case address(String)

    var json: JSON {
        switch self {
        case .first: ["first": true]
        case .page(let number): ["page": JSON(number)]
        case .skip(let records): ["skip": JSON(records)]
        case .cursor(let cursor): ["cursor": .string(cursor)]
        case .address(let address): ["next": .string(address)]
        }
    }

    init?(_ json: JSON) {
        if json["first"]?.bool == true {
            self = .first
        } else if let number = json["page"]?.int {
            self = .page(number)
        } else if let records = json["skip"]?.int {
            self = .skip(records)
        } else if let cursor = json["cursor"]?.string {
            self = .cursor(cursor)
        } else if let address = json["next"]?.string {
            self = .address(address)
        } else {
            return nil
        }
    }

    /// What it takes from the server, which must not be shown when it has a secret in it.
    var text: String? {
        switch self {
        case .first, .page, .skip: nil
        case .cursor(let text), .address(let text): text
        }
    }
}

/// What one page says of the pages.
struct PageFacts: Sendable {
    /// Records on it.
    var count: Int
    /// Records on it and on all pages before it.
    var countSoFar: Int
    /// The body without its records.
    var envelope: JSON
    var link: String?
    var totalHeader: String?
    /// The least number of records in all that the pages before said: while they are read records are deleted, and others come.
    var leastTotal: Int?
}

extension Paging {
    enum Next: Equatable {
        case end
        case mark(PageMark)
        /// There is no next page, and the API says that there are more records.
        case contradiction(String)
    }

    /// Records in all, as the page says.
    func total(_ facts: PageFacts) -> Int? {
        let total = totalPath.flatMap { facts.envelope.at($0) }?.wholeNumber ?? facts.totalHeader.flatMap { Int($0) }
        return total.flatMap { $0 >= 0 ? $0 : nil }
    }

    func next(after mark: PageMark, _ facts: PageFacts) -> Next {
        if let following = following(mark, facts) { return .mark(following) }
        let remedy =
            switch style {
            case .cursor, .next: ": is `next`, \(nextPath.joined(separator: ".")), where a page names the next one?"
            case .none, .page, .skip, .link: ""
            }
        if more(facts) == true {
            return .contradiction("there are more records, and no page that follows after \(facts.countSoFar)\(remedy)")
        }
        if let total = [total(facts), facts.leastTotal].compactMap(\.self).min(), facts.countSoFar < total {
            return .contradiction(
                "\(total) records in all (where that is an estimate, or counts something else, leave `total` out), and no page "
                    + "that follows after \(facts.countSoFar)\(remedy)")
        }
        return .end
    }

    /// nil where the records come to an end.
    private func following(_ mark: PageMark, _ facts: PageFacts) -> PageMark? {
        switch style {
        case .none: return nil
        case .page:
            let number = if case .page(let number) = mark { number } else { first }
            if let pages = pagesPath.flatMap({ facts.envelope.at($0) })?.wholeNumber {
                return number - first + 1 < pages ? .page(number + 1) : nil
            }
            return isLast(facts) ? nil : .page(number + 1)
        case .skip:
            let skipped = if case .skip(let records) = mark { records } else { 0 }
            // What came, not what was asked for: servers have limits of their own.
            return isLast(facts) ? nil : .skip(skipped + facts.count)
        case .cursor:
            guard more(facts) ?? true, let cursor = facts.envelope.at(nextPath)?.token, !cursor.isEmpty else {
                return nil
            }
            return .cursor(cursor)
        case .link: return facts.link.map { .address($0) }
        case .next:
            guard more(facts) ?? true, let next = facts.envelope.at(nextPath)?.string, !next.isEmpty else {
                return nil
            }
            return .address(next)
        }
    }

    /// Whether no page is to be asked for any more. A short page is no end: only an empty one is, where neither a total nor a flag
    /// says it.
    private func isLast(_ facts: PageFacts) -> Bool {
        if facts.count == 0 { return true }
        if let more = more(facts) { return !more }
        return total(facts).map { facts.countSoFar >= $0 } ?? false
    }

    /// Whether there is more, as the page says.
    private func more(_ facts: PageFacts) -> Bool? { morePath.flatMap { facts.envelope.at($0) }?.bool }
}

extension JSON {
    /// The value at a path of keys; nil when there is none, and for null.
    func at(_ path: [String]) -> JSON? {
        let value = path.reduce(self as JSON?) { $0?[$1] }
        return value.flatMap { $0.isNull ? nil : $0 }
    }

    /// A number, also one that is written as a text.
    fileprivate var wholeNumber: Int? { int ?? string.flatMap { Int($0) } }

    /// A text, or a number as it was written.
    fileprivate var token: String? { string ?? number?.text }
}
