/// A watch under way: its wake-ups, how it hears of them, and its end. It may be used from any thread.
package import SpoolProtocol
private import Synchronization

package final class Watch: Sendable {
    /// The hints, for one who takes them. There are none after the end of the watch.
    package let hints: HintBuffer
    private let current = Mutex(Listening.inotify)

    let alarm: Alarm

    init(hints: HintBuffer, alarm: Alarm) {
        self.hints = hints
        self.alarm = alarm
    }

    /// How new files are heard of at present; it may change when the directory is replaced.
    package internal(set) var listening: Listening {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }

    /// What `spool.status.json` says.
    package var mode: IntakeMode { listening.mode }

    /// Why the directory is polled; nil when it is not.
    package var reason: String? { listening.reason }

    /// Ends the hints, and the thread soon after. Any number of times, from anywhere.
    package func stop() {
        hints.finish()
        alarm.ring()
    }
}

/// How new files are heard of.
package enum Listening: Sendable, Equatable {
    case inotify
    /// The reason is a sentence for people, with the remedy where there is one.
    case polling(reason: String)

    package var mode: IntakeMode {
        switch self {
        case .inotify: .inotify
        case .polling: .polling
        }
    }

    /// Why the directory is polled; nil when it is not.
    package var reason: String? {
        switch self {
        case .inotify: nil
        case .polling(let reason): reason
        }
    }
}
