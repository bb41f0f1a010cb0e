/// Lines of a job's log and of its item errors, in words.
import JSONText
import SpoolProtocol

/// "13:33:12 warning the message"
func logText(_ entry: LogEntry, _ stream: Stream) -> String {
    let style: Style =
        switch entry.level {
        case .debug: .dim
        case .info: .plain
        case .warning: .yellow
        case .error: .red
        }
    let level = entry.level == .info ? "" : "\(entry.level.rawValue): "
    return Style.dim.on(stream, time(entry.at)) + " " + style.on(stream, safe(level + entry.message))
}

/// "13:33:12 the item: CODE: the message"
func errorText(_ error: ItemError, _ stream: Stream) -> String {
    let parts = [error.item, error.code, error.message].filter { !$0.isEmpty }.joined(separator: ": ")
    return Style.dim.on(stream, time(error.at)) + " " + Style.red.on(stream, safe(parts))
}

/// A line of a log file; one that is no log entry is shown as it is.
func logText(line: [UInt8], _ stream: Stream) -> String {
    do {
        let json = try JSON(parsing: line)
        if let entry = LogEntry(json: json) { return logText(entry, stream) }
        if let error = ItemError(json: json) { return errorText(error, stream) }
    } catch {
        // Shown below: somebody who looks at a log wants to see what is in it.
    }
    return safe(String(decoding: line, as: UTF8.self))
}

private func time(_ at: Timestamp) -> String { String(at.description.dropFirst(11).prefix(8)) }
