/// An absolute http or https address (RFC 3986), and what of it may be shown. Values in its query may be secrets: messages name
/// the parameters and leave their values out.
import FoundationEssentials
import JSONText

struct WebAddress: Sendable, Equatable {
    /// Scheme, host and port (RFC 6454): where credentials may go.
    struct Origin: Sendable, Equatable {
        let scheme: String
        let host: String
        let port: Int

        var text: String {
            let isUsual = port == (scheme == "https" ? 443 : 80)
            return "\(scheme)://\(host)\(isUsual ? "" : ":\(port)")"
        }
    }

    let text: String
    let origin: Origin
    /// Percent-encoded.
    private let path: String
    /// Percent-encoded; nil without a question mark.
    private let query: String?

    /// nil for what is no address of the web, has no host, or has a user or a password in it.
    init?(_ text: String) {
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }), let parts = URLComponents(string: text),
            let scheme = parts.scheme?.lowercased(), scheme == "http" || scheme == "https",
            let host = parts.host?.lowercased(), !host.isEmpty, parts.user == nil, parts.password == nil
        else { return nil }
        let port = parts.port ?? (scheme == "https" ? 443 : 80)
        guard (1...65535).contains(port) else { return nil }
        origin = Origin(scheme: scheme, host: host, port: port)
        path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        query = parts.percentEncodedQuery
        self.text = origin.text + path + (query.map { "?\($0)" } ?? "")
    }

    private init(_ origin: Origin, _ path: String, _ query: String?) {
        self.origin = origin
        self.path = path
        self.query = query
        text = origin.text + path + (query.map { "?\($0)" } ?? "")
    }

    /// Without values of the query, but for those of the parameters named here.
    func shown(with plain: [String] = []) -> String {
        guard let query, !query.isEmpty else { return origin.text + path }
        let shown = query.split(separator: "&").map { pair -> String in
            guard let sign = pair.firstIndex(of: "=") else { return "…" }
            let name = String(pair[..<sign])
            return plain.contains(name) ? String(pair) : "\(name)=…"
        }
        return "\(origin.text)\(path)?\(shown.joined(separator: "&"))"
    }

    /// A name for bookmarks: two addresses that differ in values that are not shown have two names.
    var name: String {
        guard let query, !query.isEmpty else { return shown() }
        return "\(shown())#\(SHA256.hex(Array(query.utf8), bytes: 4))"
    }

    /// Which segments of the path are `.` or `..`, also percent-encoded: where they are resolved they are none (RFC 3986, section
    /// 5.2.4).
    var dotSegments: [Int] {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        return segments.indices.filter {
            [".", ".."].contains(segments[$0].replacing("%2E", with: ".").replacing("%2e", with: "."))
        }
    }

    /// Sets a parameter of the query; its name and value are encoded here.
    func setting(_ name: String, to value: String) -> WebAddress {
        let encoded = Self.encoded(name)
        var pairs = (query ?? "").split(separator: "&").map(String.init)
            .filter { $0 != encoded && !$0.hasPrefix("\(encoded)=") }
        pairs.append("\(encoded)=\(Self.encoded(value))")
        return WebAddress(origin, path, pairs.joined(separator: "&"))
    }

    /// The address that a reference means which was found here (RFC 3986, section 5); nil for what is none of the web.
    func resolving(_ reference: String) -> WebAddress? {
        guard let base = URL(string: text), let url = URL(string: reference, relativeTo: base) else { return nil }
        var text = url.absoluteString
        if let fragment = text.firstIndex(of: "#") { text = String(text[..<fragment]) }
        return WebAddress(text)
    }

    /// Everything but letters, digits and -._~ as %XX.
    static func encoded(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%\(hex[Int(byte >> 4)])\(hex[Int(byte & 15)])"
            }
        }
    }
}
