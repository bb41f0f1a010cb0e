/// What a source and a target that speak HTTP have in common: where to, who asks, whom to trust, and how long to wait.
import JSONText
import JobHandler

struct HTTPConnectionParams: Sendable {
    let auth: HTTPAuth?
    let headers: [(name: String, value: String)]
    /// Other origins that may be gone to, without credentials.
    let allowedOrigins: [WebAddress.Origin]
    /// A PEM file of certificates that are trusted instead of the system's.
    let caFile: String?
    /// Seconds of silence after which a request has failed.
    let timeoutSeconds: Int
    let maximumBytes: Int
    /// The place of the params, for messages.
    let path: String

    /// - Parameter limit: the name of the param that bounds a body.
    init(_ members: inout JSONFields, limit: String, default: Int) throws {
        path = members.path.joined(separator: ".")
        auth = try members.object("auth").map { object in
            var fields = JSONFields(object, path: members.path + ["auth"])
            return try HTTPAuth(&fields)
        }
        headers = try Self.headers(&members)
        allowedOrigins = try (members.strings("allow_origins") ?? []).map { text in
            guard let address = WebAddress(text), address.text == "\(address.origin.text)/" else {
                throw members.wrong("allow_origins", "must be of the form \"https://cdn.example.com\"")
            }
            return address.origin
        }
        caFile = try members.string("ca_file")
        if let caFile, caFile.utf8.first != UInt8(ascii: "/") {
            throw members.wrong("ca_file", "must be an absolute path, which begins with /, not \"\(caFile)\"")
        }
        timeoutSeconds = try members.int("timeout_seconds", in: 1...3_600) ?? 60
        maximumBytes = try members.int(limit, in: 1...(1 << 30)) ?? `default`
    }

    /// - Throws: `JSONFieldError`, which does not show the address: it may have a password in it.
    static func address(_ key: String, _ members: inout JSONFields) throws -> WebAddress {
        let wanted = "an address such as \"https://api.example.com/v1/customers\""
        let text = try members.require(try members.string(key), key, wanted)
        guard let address = WebAddress(text) else {
            throw members.wrong(
                key, "must be \(wanted), percent-encoded, without user and password: `auth` is for those")
        }
        return address
    }

    private static func headers(_ members: inout JSONFields) throws -> [(name: String, value: String)] {
        try (members.object("headers") ?? [:]).members.map { name, value in
            guard let value = value.string, isHeaderName(name), value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            else { throw members.wrong("headers", "must be an object of names and texts, without control characters") }
            switch name.lowercased() {
            case "authorization", "proxy-authorization", "cookie":
                throw members.wrong("headers", "has \(name), which is a credential: give it by `auth`")
            case "host", "content-length", "transfer-encoding", "connection", "accept-encoding", "idempotency-key":
                throw members.wrong("headers", "has \(name), which is set here")
            default: return (name, value)
            }
        }
    }

    /// A token (RFC 9110, section 5.6.2).
    static func isHeaderName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy {
                switch $0 {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "!#$%&'*+-.^_`|~".utf8.contains($0)
                }
            }
    }
}
