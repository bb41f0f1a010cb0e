/// What a daemon tells people: its log, from warnings on.
import Logging
import Synchronization

struct DaemonLog: LogHandler {
    private final class Lines: Sendable {
        let lines = Mutex<[String]>([])
    }

    private let store = Lines()
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.warning

    var lines: [String] { store.lines.withLock { $0 } }

    func add(_ line: String) { store.lines.withLock { $0.append(line) } }

    func log(event: LogEvent) { add("\(event.message)") }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}
