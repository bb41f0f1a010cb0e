/// How requests prove who asks: the param `auth` names variables of the environment, which the definition sets; the secrets
/// themselves are in no param. `Credentials` holds what the variables held.
import Glibc
import JSONText
import JobHandler

struct HTTPAuth: Sendable {
    enum Kind: String, CaseIterable {
        /// `Authorization: Bearer TOKEN` (RFC 6750)
        case bearer
        /// `Authorization: Basic …` (RFC 7617)
        case basic
        /// A header of its own: `X-Api-Key: TOKEN`
        case header
        /// A parameter of the query: `?api_key=TOKEN`
        case query
    }

    let kind: Kind
    /// The variable with the token or the password.
    let tokenVariable: String
    /// The header or the parameter.
    let name: String
    /// Basic.
    let user: String?
    let userVariable: String?
    /// The place of the param, for messages.
    let path: String

    init(_ members: inout JSONFields) throws {
        path = members.path.joined(separator: ".")
        kind = try members.require(try members.choice("type"), "type", "\"bearer\", \"basic\", \"header\" or \"query\"")
        tokenVariable = try members.require(
            try members.string("token_env"), "token_env",
            "the name of the environment variable that holds the token or the password")
        let name = try members.string("name")
        user = try members.string("user")
        userVariable = try members.string("user_env")
        switch kind {
        case .header, .query: self.name = try members.require(name, "name", "the name of the \(kind.rawValue)")
        case .bearer, .basic:
            if name != nil { throw members.wrong("name", "is for \"header\" and \"query\"") }
            self.name = "Authorization"
        }
        if kind == .header, !HTTPConnectionParams.isHeaderName(self.name) {
            throw members.wrong("name", "must be the name of a header")
        }
        if (kind == .basic) != (user != nil || userVariable != nil) {
            throw members.wrong(
                "user", kind == .basic ? "is missing: or `user_env`, the variable that holds it" : "is for \"basic\"")
        }
        try members.finish()
    }

    /// - Throws: `JobFailure` when a variable is not set.
    func credentials() throws(JobFailure) -> Credentials {
        let token = try variable(tokenVariable, "token_env")
        switch kind {
        case .bearer: return Credentials(header: (name, "Bearer \(token)"), secrets: [token])
        case .header: return Credentials(header: (name, token), secrets: [token])
        case .query: return Credentials(query: (name, token), secrets: [token])
        case .basic:
            let user = if let user { user } else { try variable(userVariable ?? "", "user_env") }
            let encoded = Base64.encode(Array("\(user):\(token)".utf8)[...])
            return Credentials(header: (name, "Basic \(encoded)"), secrets: [token, encoded])
        }
    }

    private func variable(_ name: String, _ field: String) throws(JobFailure) -> String {
        let space: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
        let value = getenv(name).map { String(cString: $0) } ?? ""
        // A value that was read from a file ends with a line break.
        let end = value.utf8.lastIndex { !space.contains($0) }.map { value.utf8.index(after: $0) } ?? value.startIndex
        let trimmed = value[..<end].drop { $0 == " " || $0 == "\n" || $0 == "\t" }
        guard !trimmed.isEmpty else {
            throw JobFailure(
                "CREDENTIALS_MISSING",
                "the environment variable \(name), which `\(path).\(field)` names, is not set: the definition's "
                    + "`environment` sets it",
                details: ["field": .string("\(path).\(field)")], exit: .invalidParams)
        }
        guard trimmed.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw JobFailure(
                "CREDENTIALS_INVALID", "the environment variable \(name) has control characters in it",
                details: ["field": .string("\(path).\(field)")], exit: .invalidParams)
        }
        return String(trimmed)
    }
}

/// What proves who asks, and the texts that must not be shown to anybody.
struct Credentials: Sendable {
    var header: (name: String, value: String)?
    var query: (name: String, value: String)?
    private var secrets: [SecretText] = []

    init() {}

    fileprivate init(
        header: (name: String, value: String)? = nil, query: (name: String, value: String)? = nil, secrets: [String]
    ) {
        self.header = header
        self.query = query
        self.secrets = secrets.flatMap { [$0, Base64.encode(Array($0.utf8)[...])] }.map { SecretText($0) }
    }

    var isEmpty: Bool { secrets.isEmpty }

    func areIn(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.indices.contains { end(in: bytes, from: $0) != nil }
    }

    /// The text without secrets, whoever wrote it and however.
    func removed(from text: String) -> String {
        if isEmpty { return text }
        let bytes = Array(text.utf8)
        var (at, rest): (Int, [UInt8]) = (0, [])
        while at < bytes.count {
            if let end = end(in: bytes, from: at) {
                rest += "[secret]".utf8
                at = end
            } else {
                rest.append(bytes[at])
                at += 1
            }
        }
        return String(decoding: rest, as: UTF8.self)
    }

    /// Of the longest that begins there, so that none is left in part.
    private func end(in text: [UInt8], from start: Int) -> Int? {
        secrets.compactMap { $0.end(in: text, from: start) }.max()
    }
}
