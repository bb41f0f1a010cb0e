import Testing

@testable import jobspool_library

@Suite struct PlacesTests {
    private func places(_ scratch: Scratch) -> DocumentPlaces {
        DocumentPlaces([
            .init(iri: "https://example.org/", directory: scratch.path + "/web/"),
            .init(iri: "https://example.org/deep/", directory: scratch.path + "/other/"),
        ])
    }

    private func scratch() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.sh(
            "mkdir -p web/dir other plain; touch web/a.jsonld web/b.nt web/c 'web/d e%.nt' web/dir/index.nt other/x.json plain/p.nt web/ü.nt"
        )
        return scratch
    }

    /// Where a reference leads: the document's IRI, and the file.
    @Test(arguments: [
        ("https://example.org/a", "https://example.org/a.jsonld", "web/a.jsonld"),
        ("https://example.org/a.jsonld#x", "https://example.org/a.jsonld", "web/a.jsonld"),
        ("https://example.org/b", "https://example.org/b.nt", "web/b.nt"),
        ("https://example.org/c", "https://example.org/c", "web/c"),
        ("https://example.org/d%20e%25.nt", "https://example.org/d%20e%25.nt", "web/d e%.nt"),
        ("https://example.org/ü", "https://example.org/ü.nt", "web/ü.nt"),
        ("https://example.org/%C3%BC", "https://example.org/ü.nt", "web/ü.nt"),
        ("https://example.org/dir/", "https://example.org/dir/index.nt", "web/dir/index.nt"),
        ("https://example.org/deep/x", "https://example.org/deep/x.json", "other/x.json"),
        ("https://example.org/missing#y", "https://example.org/missing", "web/missing"),
    ])
    func anIRIBelowABaseIsAFile(reference: String, iri: String, file: String) throws {
        let scratch = try scratch()
        let place = places(scratch).place(of: reference)
        #expect(place?.iri == iri)
        #expect(place?.location == "\(scratch.path)/\(file)")
    }

    @Test(arguments: ["plain/p.nt", "plain/p", "plain/../plain/p.nt", "plain/./p.nt#x"])
    func aFileIRIIsAFile(reference: String) throws {
        let scratch = try scratch()
        let place = try #require(places(scratch).place(of: "file://\(scratch.path)/\(reference)"))
        #expect(place.iri == "file://\(scratch.path)/plain/p.nt")
        #expect(place.location == "\(scratch.path)/plain/p.nt")
        #expect(place.name == "\(scratch.path.dropFirst())/plain/p.nt")
        #expect(places(scratch).place(of: "file://localhost\(scratch.path)/plain/p")?.location == place.location)
    }

    @Test func oneFileHasOneIRIWhateverLeadsToIt() throws {
        let scratch = try scratch()
        let byFile = places(scratch).place(of: "file://\(scratch.path)/web/a")
        #expect(byFile == places(scratch).place(of: "https://example.org/a"))
        #expect(byFile == places(scratch).place(ofFile: "\(scratch.path)/web/a.jsonld"))
    }

    @Test(arguments: [
        "https://example.org/../secret", "https://example.org/a/%2e%2e/%2E%2E/secret", "https://example.org/%00",
        "https://example.org/%zz",
        "https://example.org/%e9", "file://elsewhere/a", "file:///a%00b",
    ])
    func whatLeavesTheDirectoryLeadsNowhere(reference: String) throws {
        #expect(try places(scratch()).place(of: reference)?.location == "")
    }

    @Test(arguments: ["mailto:a@b.c", "urn:isbn:1", "tel:1", "relative", ""])
    func whatIsNoDocumentHasNoPlace(reference: String) throws {
        #expect(try places(scratch()).place(of: reference) == nil)
    }

    @Test(arguments: [
        ("http://h/a/b?c#d", "h/a/b?c"), ("http://h", "h/index"), ("https://example.org/a", "example.org/a.jsonld"),
        ("http://u:p@h:80/x/", "h:80/x/index"),
    ])
    func aDocumentOfTheWebIsCalledByHostAndPath(reference: String, name: String) throws {
        let scratch = try scratch()
        let place = places(scratch).place(of: reference)
        if !reference.contains("example.org") { #expect(place?.location == IRI(reference).document.text) }
        #expect(place?.name == name)
    }
}
