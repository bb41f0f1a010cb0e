/// The real source with faults: it may refuse to open, be deaf to canaries, or report something out of turn.
import SpoolProtocol
import SpoolWatcher
import Synchronization

final class Faults: Sendable {
    struct State {
        var refusal: SourceError?
        var isDeafToCanaries = false
        var next: [SourceEvent] = []
        var openings = 0
    }

    let state: Mutex<State>

    init(_ change: (inout State) -> Void = { _ in }) {
        var state = State()
        change(&state)
        self.state = Mutex(state)
    }

    func set(_ change: @Sendable (inout State) -> Void) { state.withLock { change(&$0) } }

    var openings: Int { state.withLock { $0.openings } }

    func seams(_ fileSystem: FileSystemKind = .local) -> DirectoryWatcher.Seams {
        var seams = DirectoryWatcher.Seams()
        let real = seams.makeSource
        seams.fileSystem = { _ in fileSystem }
        seams.makeSource = { FakeSource(real: real(), faults: self) }
        return seams
    }
}

private struct FakeSource: EventSource {
    let real: any EventSource
    let faults: Faults

    func open(directory: String, wakeFile: String) throws(SourceError) {
        let refusal = faults.state.withLock { state in
            state.openings += 1
            return state.refusal
        }
        if let refusal { throw refusal }
        try real.open(directory: directory, wakeFile: wakeFile)
    }

    func next(seconds: Int) -> SourceEvent {
        let planned = faults.state.withLock { $0.next.isEmpty ? nil : $0.next.removeFirst() }
        if let planned { return planned }
        let event = real.next(seconds: seconds)
        let isDeaf = faults.state.withLock { $0.isDeafToCanaries }
        if isDeaf, case .entry(let name) = event, name.bytes.starts(with: ".jobspool-canary-".utf8) { return .nothing }
        return event
    }

    func close() { real.close() }
}
