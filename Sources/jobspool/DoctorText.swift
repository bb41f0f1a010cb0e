/// Findings and explanations as people read them: a line each, with a mark on a terminal and a word elsewhere.
import SpoolClient

extension Finding.Verdict {
    fileprivate var style: Style {
        switch self {
        case .ok: .green
        case .unchecked: .dim
        case .warning: .yellow
        case .problem: .red
        }
    }

    fileprivate var mark: String {
        switch self {
        case .ok: "✓"
        case .unchecked: "?"
        case .warning: "!"
        case .problem: "✗"
        }
    }
}

extension Explanation.Severity {
    fileprivate var style: Style {
        switch self {
        case .ok: .green
        case .warning: .yellow
        case .problem: .red
        }
    }

    fileprivate var mark: String {
        switch self {
        case .ok: "✓"
        case .warning: "!"
        case .problem: "✗"
        }
    }
}

func write(_ findings: [Finding], to stream: Stream) {
    let width = findings.map(\.check.rawValue.count).max() ?? 0
    for finding in findings {
        let word = finding.verdict.word
        let mark = stream.isTerminal ? finding.verdict.mark : padded(word, "unchecked".count)
        let remedy = finding.verdict.remedy.map { "; remedy: \(safe($0))" } ?? ""
        stream.line(
            "\(finding.verdict.style.on(stream, mark)) \(Style.dim.on(stream, padded(finding.check.rawValue, width))) \(safe(finding.message))\(remedy)"
        )
    }
    stream.line(summary(findings))
}

func write(_ explanation: Explanation, to stream: Stream) {
    let mark = stream.isTerminal ? explanation.severity.mark : padded(explanation.severity.rawValue, "warning".count)
    stream.line(
        "\(explanation.severity.style.on(stream, mark)) \(safe(explanation.message)); next: \(safe(explanation.next))")
}

private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

/// "2 problems, 1 warning"
private func summary(_ findings: [Finding]) -> String {
    func count(_ word: String) -> Int { findings.count { $0.verdict.word == word } }
    let parts = [("problem", "problem", "problems"), ("warning", "warning", "warnings")].compactMap { word, one, more in
        count(word) == 0 ? nil : "\(count(word)) \(count(word) == 1 ? one : more)"
    }
    return parts.isEmpty ? "nothing is wrong" : parts.joined(separator: ", ")
}
