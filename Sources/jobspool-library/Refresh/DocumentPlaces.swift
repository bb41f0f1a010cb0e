/// Where documents are. Each has one name, its IRI, and one place, from which it is read: `base` says which IRIs are files
/// of a local directory, `file:` IRIs are files, and `http:` IRIs are on the Web. One file has one IRI, so that whatever
/// leads to it leads to the same document.
import JobHandler

struct DocumentPlaces: Sendable {
    struct Base: Sendable, Equatable {
        /// An IRI in front of others, such as `https://example.org/data/`.
        let iri: String
        /// An absolute path that ends in a slash.
        let directory: String
    }

    struct Place: Equatable {
        /// The document's IRI, without a fragment.
        let iri: String
        /// An absolute path, or an IRI of the Web.
        let location: String
        /// By what it is called where it is uploaded to: a relative path.
        let name: String
    }

    /// The longest first.
    private let bases: [Base]

    init(_ bases: [Base]) { self.bases = bases.sorted { $0.iri.utf8.count > $1.iri.utf8.count } }

    /// Where a reference leads.
    /// - Returns: nil for one that leads to no document, such as `mailto:` and `urn:`.
    func place(of reference: String) -> Place? {
        let iri = IRI(reference).document
        let text = iri.text
        if let base = bases.first(where: { text.utf8.starts(with: $0.iri.utf8) }) {
            let rest = text.utf8.dropFirst(base.iri.utf8.count)
            guard let relative = Self.decoded(rest), !Self.climbs(relative) else { return unreachable(text) }
            return existing(base.directory + relative, or: text)
        }
        switch iri.scheme?.lowercased() {
        case "file":
            guard iri.authority ?? "" == "" || iri.authority == "localhost",
                let path = Self.decoded(IRI(iri.path).resolved(against: IRI("file:///")).path.utf8), path.hasPrefix("/")
            else { return unreachable(text) }
            return existing(path, or: nil)
        case "http", "https": return Place(iri: text, location: text, name: Self.name(of: iri))
        default: return nil
        }
    }

    /// The place of a file.
    /// - Parameters:
    ///   - path: absolute.
    ///   - name: nil for that which follows from the IRI, and that no two documents share.
    func place(ofFile path: String, name: String? = nil) -> Place {
        let matching = bases.filter { path.utf8.starts(with: $0.directory.utf8) }
        let iri: String
        if let base = matching.max(by: { $0.directory.utf8.count < $1.directory.utf8.count }) {
            let relative = String(Substring(path.utf8.dropFirst(base.directory.utf8.count)))
            iri = base.iri + Self.encoded(relative)
        } else {
            iri = "file://" + Self.encoded(path)
        }
        return Place(iri: iri, location: path, name: name ?? Self.name(of: IRI(iri)))
    }

    /// The file, as it is called or with the suffix of a format. One that cannot be looked at, as its name is too long or a
    /// directory is closed, is an item error when its turn comes.
    private func existing(_ path: String, or iri: String?) -> Place {
        let path = path.utf8.last == UInt8(ascii: "/") ? path + "index" : path
        for suffix in [""] + DocumentFormat.suffixes {
            if FileStatus.found(path + suffix)?.isRegular ?? false { return place(ofFile: path + suffix) }
        }
        let place = place(ofFile: path)
        return Place(iri: iri ?? place.iri, location: place.location, name: place.name)
    }

    /// A document that nothing can be read from; that is an item error when its turn comes.
    private func unreachable(_ iri: String) -> Place { Place(iri: iri, location: "", name: iri) }

    /// The host, if there is one, and the path.
    private static func name(of iri: IRI) -> String {
        let path = iri.path.isEmpty || iri.path.utf8.last == UInt8(ascii: "/") ? iri.path + "index" : iri.path
        let host = IRI(iri.shown).authority ?? ""
        let name = host + (path.hasPrefix("/") ? "" : "/") + path + (iri.query.map { "?" + $0 } ?? "")
        return host.isEmpty ? String(name.drop { $0 == "/" }) : name
    }

    private static func climbs(_ path: String) -> Bool {
        path.utf8.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
    }

    // MARK: Percent signs (RFC 3986, section 2.1)

    /// nil for what is no name of a file: a NUL, half of an escape, no UTF-8.
    private static func decoded(_ text: some Sequence<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = iterator.next().flatMap(hexadecimal), let low = iterator.next().flatMap(hexadecimal) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    /// What would mean something else in an IRI's path, and what it may not contain.
    private static func encoded(_ path: String) -> String {
        var bytes: [UInt8] = []
        for byte in path.utf8 {
            if byte <= 0x20 || byte == 0x7F || "%?#<>\"{}|^`\\".utf8.contains(byte) {
                bytes += ((byte < 0x10 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)).utf8
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46, 0x61...0x66: (byte | 0x20) - 0x57
        default: nil
        }
    }
}
