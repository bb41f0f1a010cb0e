/// A target that is an HTTP API: one PUT or POST a record.
import JSONText
import JobHandler

struct HTTPTargetParams: Sendable {
    enum Method: String, CaseIterable { case put = "PUT", post = "POST" }

    /// Stands for the key of a record.
    static let placeholder = "{key}"

    let connection: HTTPConnectionParams
    let method: Method
    /// The member of the body that has the record; nil when the body is the record.
    let member: String?
    /// The path of a SQLite database, which remembers what was sent.
    let state: String
    private let template: String
    /// To delete a record; nil for `template`.
    private let deleteTemplate: String?
    private let allowsMissing: Bool

    init(_ members: inout JSONFields) throws {
        template = try Self.template("http", &members)
        deleteTemplate = members.object["delete_url"] == nil ? nil : try Self.template("delete_url", &members)
        allowsMissing = try members.bool("allow_missing") ?? false
        if deleteTemplate == nil, members.object["allow_missing"] != nil {
            throw members.wrong("allow_missing", "is for `delete_url`: without it, what is missing is deleted already")
        }
        connection = try HTTPConnectionParams(&members, limit: "max_response_bytes", default: 1 << 20)
        method = try members.choice("method") ?? .put
        member = try members.string("member")
        state = try members.require(
            try members.string("state"), "state",
            "the absolute path of a SQLite database that remembers what was sent, such as \"/var/lib/jobspool/shop.db\""
        )
        guard state.utf8.first == UInt8(ascii: "/"), !state.utf8.contains(0) else {
            throw members.wrong("state", "must be an absolute path, which begins with /, not \"\(state)\"")
        }
        if method == .put, !Self.hasKey(template) {
            throw members.wrong(
                "http", "must have {key} in it where the key of a record belongs, or `method` must be \"POST\"")
        }
        if let deleteTemplate, !Self.hasKey(deleteTemplate) || address("x", in: deleteTemplate).origin != address.origin
        {
            throw members.wrong("delete_url", "must have {key} in it, and be of the same origin as `http`")
        }
    }

    /// With another key the address has another origin, or is none: the key must stand behind the host.
    private static func template(_ key: String, _ members: inout JSONFields) throws -> String {
        let wanted = "an address such as \"https://api.example.com/v1/customers/{key}\""
        let text = try members.require(try members.string(key), key, wanted)
        let sample = text.replacing(placeholder, with: "x")
        let other = text.replacing(placeholder, with: "y.z")
        guard let address = WebAddress(sample), address.origin == WebAddress(other)?.origin else {
            throw members.wrong(
                key, "must be \(wanted), percent-encoded, without user and password: `auth` is for those")
        }
        return text
    }

    private static func hasKey(_ template: String) -> Bool { template.contains(placeholder) }

    var address: WebAddress { address("x", in: template) }

    /// What messages call it: no credentials, and no values of the query.
    var name: String { (WebAddress(template.replacing(Self.placeholder, with: "-key-")) ?? address).name }

    var canDelete: Bool { Self.hasKey(deleteTemplate ?? template) }

    /// Whether each record has an address of its own.
    var hasAddresses: Bool { Self.hasKey(template) }

    /// Whether an address at which nothing was ever found may be the wrong one: nothing was ever sent there.
    var doubtsDeletions: Bool { !allowsMissing && deleteTemplate.map { $0 != template } ?? false }

    /// The address of deletions, as messages show it.
    var deletionName: String {
        let text = (deleteTemplate ?? template).replacing(Self.placeholder, with: "-key-")
        return (WebAddress(text) ?? address).shown()
    }

    /// nil when the key, such as `..`, would lead out of where the addresses of records are.
    func address(of key: String) -> WebAddress? { address(of: key, in: template) }

    /// nil as for `address`.
    func deletionAddress(of key: String) -> WebAddress? { address(of: key, in: deleteTemplate ?? template) }

    private func address(of key: String, in template: String) -> WebAddress? {
        let found = address(WebAddress.encoded(key), in: template)
        // Whatever else is in a key stays in its segment.
        guard key.utf8.allSatisfy({ $0 == UInt8(ascii: ".") }) else { return found }
        return found.dotSegments == address("x", in: template).dotSegments ? found : nil
    }

    private func address(_ key: String, in template: String) -> WebAddress {
        guard let address = WebAddress(template.replacing(Self.placeholder, with: key)) else {
            preconditionFailure("the template was checked, and an encoded key changes nothing about that")
        }
        return address
    }
}
