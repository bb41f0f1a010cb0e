import Testing

@testable import jobspool_documents

@Suite struct GlobTests {
    @Test(arguments: [
        // pattern, path, directory, whether it matches
        ("*.txt", "a.txt", false, true), ("*.txt", "deep/er/a.txt", false, true), ("*.txt", "a.txt.gz", false, false),
        ("*.txt", ".txt", false, true), ("/a.txt", "a.txt", false, true), ("/a.txt", "b/a.txt", false, false),
        ("b/a.txt", "b/a.txt", false, true), ("b/a.txt", "c/b/a.txt", false, false), ("b/*", "b/x/y", false, false),
        ("b/*", "b/x", false, true), ("b/**", "b/x/y", false, true), ("b/**", "b", true, false),
        ("**/x", "x", false, true), ("**/x", "a/b/x", false, true), ("**/x", "a/bx", false, false),
        ("a/**/b", "a/b", false, true), ("a/**/b", "a/x/y/b", false, true), ("a/**/b", "a/xb", false, false),
        ("**", "a/b/c", false, true), ("a**b", "axxb", false, true), ("a**b", "ax/xb", false, false),
        ("tmp/", "tmp", true, true), ("tmp/", "tmp", false, false), ("tmp/", "a/tmp", true, true),
        ("/a/b/", "a/b", true, true), ("?.md", "ä.md", false, true), ("?.md", "ab.md", false, false),
        ("a?b", "a/b", false, false), ("[a-c]x", "bx", false, true), ("[a-c]x", "dx", false, false),
        ("[!a-c]x", "dx", false, true), ("[^a-c]x", "ax", false, false), ("a[!x]b", "a/b", false, false),
        ("[]x]", "]", false, true), ("[ä-ü]", "ö", false, true), ("\\*", "*", false, true), ("\\*", "a", false, false),
        ("[\\]]", "]", false, true), ("a[-x]", "a-", false, true),
        ("[[:digit:]]*.txt", "1a.txt", false, true), ("[[:digit:]]*.txt", "a1.txt", false, false),
        ("[![:digit:]]", "a", false, true), ("[![:digit:]]", "1", false, false), ("[x[:upper:]y]", "y", false, true),
        ("[x[:upper:]y]", "X", false, true), ("[x[:upper:]y]", "z", false, false), ("[[:alpha:]]", "ä", false, false),
        ("[[:space:][:digit:]]", " ", false, true), ("[[:alnum:]-z]", "-", false, true),
        ("[[:alnum:]-z]", "~", false, false), ("[[:punct:]]", "_", false, true), ("[[:xdigit:]]", "g", false, false),
        ("a[![:space:]]b", "a/b", false, false), ("[:digit:]", "t", false, true), ("[:digit:]", "1", false, false),
        ("[[:]", ":", false, true), ("[[:]", "[", false, true), ("[[:a]x", "[x", false, true),
        ("*a*a*a*a*b", String(repeating: "a", count: 5000), false, false),
        ("new\nline", "new\nline", false, true), ("a.c", "abc", false, false),
    ])
    func aPatternMatchesAsInGitignore(pattern: String, path: String, isDirectory: Bool, matches: Bool) throws {
        #expect(try Glob(pattern).matches(path.utf8, isDirectory: isDirectory) == matches)
    }

    @Test func aByteThatIsNoUTF8IsOneCharacter() throws {
        let path: [UInt8] = [0x61, 0xFF, 0x62]
        #expect(try Glob("a?b").matches(path, isDirectory: false))
        #expect(try !Glob("a??b").matches(path, isDirectory: false))
    }

    @Test(arguments: [
        ("", "empty"), ("/", "empty"), ("!a", "exclude wins"), ("[a", "without its ]"), ("a\\", "backslash"),
        ("[z-a]", "backwards"), ("[[:digits:]]", "[:digits:], and the classes are alnum, alpha,"),
        ("[[::]]", "[::]"), ("[[:DIGIT:]]", "[:DIGIT:]"), ("[a-[:digit:]]", "backwards"),
        ("[[:digit:]", "without its ]"),
        ("a\0b", "NUL"),
    ])
    func aWrongPatternIsRefusedWithTheReason(pattern: String, reason: String) throws {
        let error = try #require(throws: Glob.Invalid.self) { try Glob(pattern) }
        #expect(error.problem.contains(reason))
    }

    @Test(arguments: [
        // include, exclude, path, directory, parent selected, verdict
        ([], [], "a", false, true, Filter.Verdict.selected), ([], ["a"], "a", true, true, .excluded),
        (["*.md"], [], "a.md", false, false, .selected), (["*.md"], [], "a.txt", false, false, .excluded),
        (["*.md"], [], "docs", true, false, .passing), (["docs/"], [], "docs", true, false, .selected),
        (["docs/"], [], "docs/a.txt", false, true, .selected),
        (["*.md"], ["secret*"], "secret.md", false, false, .excluded),
        (["docs/"], ["*.bak"], "docs/a.bak", false, true, .excluded),
    ])
    func excludeWinsAndADirectoryCoversWhatIsInIt(
        include: [String], exclude: [String], path: String, isDirectory: Bool, parent: Bool, verdict: Filter.Verdict
    ) throws {
        let filter = Filter(include: try include.map { try Glob($0) }, exclude: try exclude.map { try Glob($0) })
        #expect(filter.verdict(Array(path.utf8), isDirectory: isDirectory, parentIsSelected: parent) == verdict)
    }

    @Test(arguments: [
        ("", ""), (".", ""), ("a/b", "a/b"), ("a//b/", "a/b"), ("./a/./b", "a/b"), ("..a/b..", "..a/b.."),
        ("ü/\n", "ü/\n"),
    ])
    func aRelativePathIsTakenApart(text: String, path: String) throws {
        #expect(try RelativePath(text).bytes == Array(path.utf8))
    }

    @Test(arguments: ["..", "a/..", "a/../b", "../b", "/", "/etc", "a\0b"])
    func aPathThatCouldLeaveTheRootIsRefused(text: String) {
        #expect(throws: RelativePath.Invalid.self) { try RelativePath(text) }
    }
}
