/// One line on the terminal, drawn over and over, that shows how far a job is; where lines cannot be drawn over, nothing
/// but a word when no daemon is there to run the job.
import SpoolClient
import SpoolProtocol
import SpoolStorage

struct ProgressLine {
    private let stream = Stream.diagnostics
    private let name: JobName
    private let isQuiet: Bool
    private var drawnAt = -Double.infinity
    private var isDrawn = false
    private var askedAt = Clock.monotonic() - secondsBetweenQuestions + secondsBeforeFirstQuestion
    private var hint = ""

    init(_ name: JobName, isQuiet: Bool) {
        self.name = name
        self.isQuiet = isQuiet
    }

    private static let secondsBetweenLines = 0.1
    private static let secondsBetweenQuestions = 2.0
    private static let secondsBeforeFirstQuestion = 0.3
    private static let barColumns = 20

    mutating func show(
        _ view: JobView, _ version: Fingerprint, daemon: () throws(SpoolClientError) -> DaemonPresence
    ) throws(SpoolClientError) {
        let now = Clock.monotonic()
        if now - askedAt >= Self.secondsBetweenQuestions {
            askedAt = now
            tell(try daemon())
        }
        guard stream.canRedraw, now - drawnAt >= Self.secondsBetweenLines else { return }
        drawnAt = now
        isDrawn = true
        // The last column is left free: some terminals break the line there.
        let text = cut(Self.text(view, version) + hint, to: (stream.width ?? 80) - 1)
        stream.write("\r\(text)\u{1B}[K")
    }

    /// Leaves the terminal as if there had been no line.
    mutating func clear() {
        if isDrawn { stream.write("\r\u{1B}[K") }
        isDrawn = false
    }

    private mutating func tell(_ daemon: DaemonPresence) {
        switch daemon {
        case .running, .unknown: hint = ""
        case .stopped:
            let isNews = hint.isEmpty
            hint = " (no daemon is running)"
            if isNews, !stream.canRedraw, !isQuiet {
                stream.note("no daemon is running: job \(safe(name.string)) waits until one is")
            }
        }
    }

    /// "219 copy ███████░░░░░░░░░░░░░ 45.2 % 226 of 500, 22 s left: a/b.pdf"
    static func text(_ view: JobView, _ version: Fingerprint) -> String {
        let name = safe(view.name.string)
        guard case .active(let status) = view.state, status.request == version else {
            return "\(name) dropped, not yet seen"
        }
        guard status.standing == .running else { return "\(name) pending \(safe(status.message))" }
        let progress = status.progress
        var parts = [name, safe(progress.phase ?? "running")]
        if let percent = progress.percent {
            let full = Int(min(1, max(0, percent / 100)) * Double(barColumns))
            parts.append(String(repeating: "█", count: full) + String(repeating: "░", count: barColumns - full))
            parts.append("\(percent) %")
        }
        if let processed = progress.processed {
            parts.append(progress.total.map { "\(processed) of \($0)" } ?? "\(processed)")
        }
        if let left = shown(seconds: progress.etaSeconds) { parts.append("\(left) left") }
        if let current = progress.current { parts.append(safe(current)) }
        return parts.joined(separator: " ")
    }
}
