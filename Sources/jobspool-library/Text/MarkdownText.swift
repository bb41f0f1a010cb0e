/// The text of a Markdown document, its markup stripped lightly: what is left over hurts no search, which regards words
/// alone.
import Foundation
import JSONText

enum MarkdownText {
    /// Bytes of a line at the most in which markup is looked for: where marks are not closed that takes time with the square of
    /// the length.
    private static let longestLine = 4000

    /// - Parameter bytes: UTF-8.
    static func extract(_ bytes: [UInt8]) -> DocumentText {
        var document = DocumentText()
        var lines = String(decoding: bytes, as: UTF8.self).split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline)[...]
        if let matter = frontMatter(&lines) {
            document.properties = matter
            document.title = matter["title"]?.string ?? ""
        }
        var text: [String] = []
        var headings: [String] = []
        var fence: String?
        for line in lines {
            let trimmed = line.drop(while: \.isWhitespace)
            let mark = trimmed.prefix { $0 == "`" || $0 == "~" }
            if mark.count >= 3 {
                // Code stays as it is, without the lines that fence it in.
                if fence == nil { fence = String(mark) } else if trimmed.hasPrefix(fence ?? "") { fence = nil }
                continue
            }
            if fence != nil || line.utf8.count > longestLine {
                text.append(String(line))
            } else if let heading = heading(trimmed) {
                headings.append(inline(heading))
                text.append(inline(heading))
            } else if isUnderline(trimmed), let last = text.last, !last.isEmpty {
                if trimmed.first != "|" { headings.append(last) }
            } else if trimmed.firstMatch(of: /^\[[^\]]+\]:\s/) == nil {
                text.append(inline(trimmed.replacing(/^(?:>\s?|[-*+]\s+|\d+[.)]\s+)+/, with: "")))
            }
        }
        document.text = text.joined(separator: "\n")
        document.headings = headings.joined(separator: "\n")
        if document.title.isEmpty { document.title = (headings.first ?? text.first { !$0.isEmpty } ?? "").shortTitle }
        return document
    }

    /// `key: value` lines between two lines of `---`.
    private static func frontMatter(_ lines: inout ArraySlice<Substring>) -> JSONObject? {
        guard lines.first == "---", let end = lines.dropFirst().prefix(100).firstIndex(of: "---") else { return nil }
        var matter: JSONObject = [:]
        for line in lines[(lines.startIndex + 1)..<end] where line.utf8.count <= longestLine {
            guard let match = line.wholeMatch(of: /([A-Za-z_][\w-]*):\s+(.*?)\s*/) else { continue }
            let value = match.2.trimmingCharacters(in: CharacterSet(charactersIn: "\"'"))
            if matter[String(match.1)] == nil { matter[String(match.1)] = .string(value) }
        }
        lines = lines[(end + 1)...]
        return matter
    }

    private static func heading(_ line: Substring) -> Substring? {
        let marks = line.prefix { $0 == "#" }
        guard (1...6).contains(marks.count), line.dropFirst(marks.count).first?.isWhitespace ?? false else {
            return nil
        }
        return line.dropFirst(marks.count).trimmingSuffix(while: { $0 == "#" || $0.isWhitespace })
    }

    /// The line below a heading.
    private static func isUnderline(_ line: Substring) -> Bool {
        let marks = line.trimmingSuffix(while: \.isWhitespace)
        return marks.count >= 2 && (marks.allSatisfy { $0 == "=" } || marks.allSatisfy { $0 == "-" })
    }

    private static func inline(_ line: Substring) -> String {
        guard line.utf8.contains(where: { "`*_~[<&|\\".utf8.contains($0) }) else {
            return String(line.drop(while: \.isWhitespace))
        }
        let text = String(line).replacing(/!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])?/) { $0.1 }
            .replacing(/<(https?:[^>\s]+)>/) { $0.1 }
            .replacing(/<!--.*?-->|<\/?[A-Za-z][^>]*>/, with: "")
            .replacing(/\\([!-\/:-@\[-`{-~])/) { $0.1 }
            .replacing(/`+|\*+|~~|\|/, with: "")
        var decoded: [UInt8] = []
        Array(withoutUnderscores(text).utf8).withUnsafeBufferPointer { HTMLReferences.decode($0[...], into: &decoded) }
        return String(decoding: decoded, as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }

    /// Underscores around words are emphasis, those within belong to a name.
    private static func withoutUnderscores(_ text: String) -> String {
        text.split(separator: " ", omittingEmptySubsequences: false)
            .map { $0.drop { $0 == "_" }.trimmingSuffix { $0 == "_" } }.joined(separator: " ")
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
        var text = self
        while let last = text.last, predicate(last) { text.removeLast() }
        return text
    }
}
