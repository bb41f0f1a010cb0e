/// Standard output and standard error. A reader that went away ends the command quietly; any other failure to write
/// ends it loudly: a result that did not arrive is no success.
import Glibc
import JSONText

struct Stream {
    private let descriptor: Int32
    let isTerminal: Bool
    let hasColours: Bool

    static let output = Stream(STDOUT_FILENO)
    static let diagnostics = Stream(STDERR_FILENO)

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        let isDumb = environment("TERM").map { $0 == "dumb" } ?? true
        isTerminal = isatty(descriptor) == 1
        hasColours = isTerminal && !isDumb && (environment("NO_COLOR") ?? "").isEmpty
    }

    /// Lines can be drawn over.
    var canRedraw: Bool { isTerminal && environment("TERM").map { $0 != "dumb" } ?? false }

    /// In columns; nil where there is no edge.
    var width: Int? {
        guard isTerminal else { return nil }
        var size = winsize()
        if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return environment("COLUMNS").flatMap { Int($0) } ?? 80
    }

    func write(_ text: String) { write(bytes: Array(text.utf8)) }

    func line(_ text: String) { write(text + "\n") }

    /// A message to people: "jobspool: …".
    func note(_ text: String) { line("jobspool: \(text)") }

    /// A JSON document; on a terminal without the characters that a terminal may take as commands.
    func json(_ json: JSON) { write(bytes: isTerminal ? escapedInJSON(json.indented) : json.indented) }

    /// A line of JSON as it is, but for those characters on a terminal.
    func jsonLine(_ bytes: [UInt8]) { write(bytes: (isTerminal ? escapedInJSON(bytes) : bytes) + [0x0A]) }

    private func write(bytes: [UInt8]) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + written, bytes.count - written)
            }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = Glibc.poll(&poll, 1, -1)
            } else if errno != EINTR {
                fail(errno)
            }
        }
    }

    private func fail(_ code: Int32) -> Never {
        if code == EPIPE { exit(128 + SIGPIPE) }
        if descriptor != STDERR_FILENO {
            Stream.diagnostics.note("cannot write the output: \(String(cString: strerror(code)))")
        }
        exit(ExitStatus.inputOutput.rawValue)
    }
}

func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
