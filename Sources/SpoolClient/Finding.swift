/// What one check of a spool found: a sentence for people, with the remedy where something is wrong. The checks are pure
/// functions of what was read; who reads is named beside them.
package import JSONText

package struct Finding: Sendable, Equatable {
    package var check: Check
    package var message: String
    package var verdict: Verdict

    /// What is looked at, in the order in which it is told.
    package enum Check: String, Sendable, CaseIterable {
        case directory
        case privateDirectory = "private"
        case archive
        case fileSystem = "file_system"
        case inotify
        case space
        case files
        case daemon
        case pause
        case canary
        case types
        case handlers
        case schedules
        case requests
        case names
        case outputs
        case cancels
        case aside
        case attempts
    }

    package enum Verdict: Sendable, Equatable {
        case ok
        /// It could not be looked at from here.
        case unchecked(remedy: String)
        /// It works, but may not for long, or not for everybody.
        case warning(remedy: String)
        case problem(remedy: String)
    }

    package static func ok(_ check: Check, _ message: String) -> Finding {
        Finding(check: check, message: message, verdict: .ok)
    }

    package static func unchecked(_ check: Check, _ message: String, remedy: String) -> Finding {
        Finding(check: check, message: message, verdict: .unchecked(remedy: remedy))
    }

    package static func warning(_ check: Check, _ message: String, remedy: String) -> Finding {
        Finding(check: check, message: message, verdict: .warning(remedy: remedy))
    }

    package static func problem(_ check: Check, _ message: String, remedy: String) -> Finding {
        Finding(check: check, message: message, verdict: .problem(remedy: remedy))
    }
}

extension Finding.Verdict {
    package var remedy: String? {
        switch self {
        case .ok: nil
        case .unchecked(let remedy), .warning(let remedy), .problem(let remedy): remedy
        }
    }

    /// As `--json` writes it.
    package var word: String {
        switch self {
        case .ok: "ok"
        case .unchecked: "unchecked"
        case .warning: "warning"
        case .problem: "problem"
        }
    }
}

extension Finding {
    package var json: JSON {
        [
            "check": .string(check.rawValue), "severity": .string(verdict.word), "message": .string(message),
            "remedy": JSON(verdict.remedy),
        ]
    }
}

/// "a, b, c and 12 more": enough to know what is meant.
func listed(_ items: some Collection<String>, limit: Int = 3) -> String {
    let shown = items.prefix(limit).joined(separator: ", ")
    return items.count > limit ? "\(shown) and \(items.count - limit) more" : shown
}

/// "1 file", "2 files"
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

/// "40 s", "3 min", "5 h", "12 days": how long ago, roughly.
package func roughly(seconds: Double) -> String {
    switch seconds {
    case ..<120: "\(Int(max(0, seconds))) s"
    case ..<7200: "\(Int(seconds / 60)) min"
    case ..<172_800: "\(Int(seconds / 3600)) h"
    default: "\(Int(min(seconds, 1e12) / 86_400)) days"
    }
}
