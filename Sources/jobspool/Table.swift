/// Rows in aligned columns: cut to the terminal's width there, whole everywhere else.
import SpoolProtocol

enum Style: String {
    case plain = ""
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case cyan = "36"

    /// The text in this style, where there are colours.
    func on(_ stream: Stream, _ text: String) -> String {
        self == .plain || !stream.hasColours ? text : "\u{1B}[\(rawValue)m\(text)\u{1B}[0m"
    }
}

extension Style {
    init(standing: Standing?, outcome: Outcome?) {
        self =
            switch standing {
            case .completed: outcome == .partial ? .yellow : .green
            case .failed, .rejected: .red
            case .running: .cyan
            case .cancelled: .yellow
            case .pending, nil: .dim
            }
    }
}

struct Table {
    struct Column {
        let title: String
        var isRight = false
        /// The narrowest to which it may be cut; nil: it is never cut.
        var minimum: Int?
        /// Left out where there is no room for all, the last one first.
        var isDispensable = false
    }

    struct Cell {
        let text: String
        var style = Style.plain

        /// Text from a file.
        init(_ text: String, _ style: Style = .plain) {
            self.text = safe(text)
            self.style = style
        }
    }

    private(set) var columns: [Column]
    var rows: [[Cell]] = []

    init(_ columns: [Column]) { self.columns = columns }

    func write(to stream: Stream) {
        var table = self
        if let limit = stream.width { table.dispense(limit) }
        table.writeColumns(to: stream)
    }

    private mutating func dispense(_ limit: Int) {
        while fittedWidths(limit).reduce(2 * (columns.count - 1), +) > limit,
            let index = columns.lastIndex(where: \.isDispensable)
        {
            columns.remove(at: index)
            for row in rows.indices { rows[row].remove(at: index) }
        }
    }

    private func writeColumns(to stream: Stream) {
        let widths = fittedWidths(stream.width)
        let header = columns.map { Cell($0.title, .bold) }
        for row in [header] + rows {
            var line = ""
            for (index, cell) in row.enumerated() {
                let text = cut(cell.text, to: widths[index])
                let padding = String(repeating: " ", count: widths[index] - jobspool.columns(of: text))
                let styled = cell.style.on(stream, text)
                let isLast = index == row.count - 1
                line += columns[index].isRight ? padding + styled : styled + (isLast ? "" : padding)
                if !isLast { line += "  " }
            }
            while line.last == " " { line.removeLast() }
            stream.line(line)
        }
    }

    private func fittedWidths(_ limit: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            max(
                jobspool.columns(of: columns[index].title),
                rows.map { jobspool.columns(of: $0[index].text) }.max() ?? 0)
        }
        guard let limit else { return widths }
        var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - limit
        // The last columns give way first: they are the wordy ones.
        for index in columns.indices.reversed() where excess > 0 {
            guard let minimum = columns[index].minimum else { continue }
            let given = min(excess, max(0, widths[index] - minimum))
            widths[index] -= given
            excess -= given
        }
        return widths
    }
}

/// Lines of a name and a value, the values aligned.
struct Fields {
    private var rows: [(String, String, Style)] = []

    /// Adds a line, unless there is nothing to say.
    mutating func add(_ name: String, _ value: String?, _ style: Style = .plain) {
        if let value, !value.isEmpty { rows.append((name, safe(value), style)) }
    }

    func write(to stream: Stream) {
        let width = rows.map(\.0.count).max() ?? 0
        for (name, value, style) in rows {
            let label = name + String(repeating: " ", count: width - name.count + 2)
            stream.line(Style.dim.on(stream, label) + style.on(stream, value))
        }
    }
}
