import Testing

@testable import jobspool_library

@Suite struct IRITests {
    /// RFC 3986, sections 5.4.1 and 5.4.2.
    @Test(arguments: [
        ("g:h", "g:h"), ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"), ("//g", "http://g"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q#s"), ("g#s", "http://a/b/c/g#s"), ("g?y#s", "http://a/b/c/g?y#s"),
        (";x", "http://a/b/c/;x"), ("g;x", "http://a/b/c/g;x"), ("g;x?y#s", "http://a/b/c/g;x?y#s"),
        ("", "http://a/b/c/d;p?q"), (".", "http://a/b/c/"), ("./", "http://a/b/c/"), ("..", "http://a/b/"),
        ("../", "http://a/b/"), ("../g", "http://a/b/g"), ("../..", "http://a/"), ("../../", "http://a/"),
        ("../../g", "http://a/g"), ("../../../g", "http://a/g"), ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"), ("/../g", "http://a/g"), ("g.", "http://a/b/c/g."), (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."), ("..g", "http://a/b/c/..g"), ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"), ("g/./h", "http://a/b/c/g/h"), ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"), ("g;x=1/../y", "http://a/b/c/y"), ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("g?y/../x", "http://a/b/c/g?y/../x"), ("g#s/./x", "http://a/b/c/g#s/./x"),
        ("g#s/../x", "http://a/b/c/g#s/../x"), ("http:g", "http:g"),
    ])
    func aReferenceIsResolvedAsTheStandardSays(reference: String, expected: String) {
        #expect(IRI(reference).resolved(against: IRI("http://a/b/c/d;p?q")).text == expected)
    }

    @Test(arguments: [
        "http://a", "urn:x:y?a#b", "", "#", "?", "//h/p", "a:b:c", "http://u:p@h:1/ä?ö#ü", "./a:b", "1:2",
    ])
    func whatIsTakenApartIsPutTogetherAgain(text: String) {
        #expect(IRI(text).text == text)
    }

    @Test func aSchemeBeginsWithALetterAndEndsBeforeASlash() {
        #expect(IRI("mailto:a@b").isAbsolute)
        #expect(!IRI("1a:b").isAbsolute)
        #expect(!IRI("/a:b").isAbsolute)
        #expect(!IRI("name").isAbsolute)
    }

    @Test func aNameAndAPasswordAreNotShown() {
        #expect(IRI("https://anna:secret@example.org/a?b").shown == "https://example.org/a?b")
        #expect(IRI("mailto:a@b").shown == "mailto:a@b")
    }

    @Test func aCombiningMarkAfterASeparatorHidesNothing() {
        let iri = IRI("http://h/a/\u{301}b#\u{301}f")
        #expect(iri.authority == "h")
        #expect(iri.document.text.utf8.elementsEqual("http://h/a/\u{301}b".utf8))
    }
}
