/// An IRI reference in its parts (RFC 3986, appendix B; RFC 3987 lets more characters in), and what a reference means
/// within a document (section 5.2). Nothing is normalised but dot segments, and those only when a reference is resolved.
struct IRI: Equatable {
    var scheme: String?
    var authority: String?
    var path: String
    var query: String?
    var fragment: String?

    init(_ text: String) {
        var rest = text[...]
        fragment = Self.cut(&rest, after: "#")
        query = Self.cut(&rest, after: "?")
        if let colon = rest.unicodeScalars.firstIndex(of: ":"), Self.isScheme(rest[..<colon]) {
            scheme = String(rest[..<colon])
            rest = rest[rest.unicodeScalars.index(after: colon)...]
        }
        if rest.utf8.starts(with: "//".utf8) {
            rest = rest[rest.utf8.index(rest.startIndex, offsetBy: 2)...]
            let slash = rest.unicodeScalars.firstIndex(of: "/") ?? rest.endIndex
            authority = String(rest[..<slash])
            rest = rest[slash...]
        }
        path = String(rest)
    }

    var text: String {
        (scheme.map { $0 + ":" } ?? "") + (authority.map { "//" + $0 } ?? "") + path + (query.map { "?" + $0 } ?? "")
            + (fragment.map { "#" + $0 } ?? "")
    }

    var isAbsolute: Bool { scheme != nil }

    /// The IRI of the document in which the resource is described: without its fragment.
    var document: IRI {
        var document = self
        document.fragment = nil
        return document
    }

    /// As it may be shown: what stands before the host is nobody's business.
    var shown: String {
        guard let authority, let at = authority.unicodeScalars.lastIndex(of: "@") else { return text }
        var shown = self
        shown.authority = String(authority[authority.unicodeScalars.index(after: at)...])
        return shown.text
    }

    /// What this reference means in a document whose IRI is `base`.
    func resolved(against base: IRI) -> IRI {
        var target = self
        if scheme != nil {
            target.path = Self.withoutDots(path)
            return target
        }
        target.scheme = base.scheme
        if authority != nil {
            target.path = Self.withoutDots(path)
            return target
        }
        target.authority = base.authority
        if path.isEmpty {
            target.path = base.path
            target.query = query ?? base.query
        } else if path.utf8.first == UInt8(ascii: "/") {
            target.path = Self.withoutDots(path)
        } else {
            target.path = Self.withoutDots(merged(with: base))
        }
        return target
    }

    private func merged(with base: IRI) -> String {
        if base.authority != nil, base.path.isEmpty { return "/" + path }
        guard let slash = base.path.unicodeScalars.lastIndex(of: "/") else { return path }
        return String(base.path.unicodeScalars[...slash]) + path
    }

    /// RFC 3986, section 5.2.4.
    private static func withoutDots(_ path: String) -> String {
        guard path.utf8.contains(UInt8(ascii: ".")) else { return path }
        let isRooted = path.utf8.first == UInt8(ascii: "/")
        let segments = path.unicodeScalars.split(separator: "/", omittingEmptySubsequences: false)
            .dropFirst(isRooted ? 1 : 0).map { String($0) }
        var kept: [String] = []
        for segment in segments where segment != "." {
            if segment == ".." { _ = kept.popLast() } else { kept.append(segment) }
        }
        // A path that ends in a dot segment names a directory.
        if let last = segments.last, last == "." || last == ".." { kept.append("") }
        return (isRooted ? "/" : "") + kept.joined(separator: "/")
    }

    private static func cut(_ rest: inout Substring, after mark: Unicode.Scalar) -> String? {
        guard let at = rest.unicodeScalars.firstIndex(of: mark) else { return nil }
        defer { rest = rest[..<at] }
        return String(rest.unicodeScalars[at...].dropFirst())
    }

    private static func isScheme(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, isLetter(first) else { return false }
        return text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || "+-.".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
}
