/// Makes a daemon's system calls fail: the n-th one, or all of a kind from the n-th on until the fault is lifted.
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization

/// What is wrong with the disk.
enum Fault: String, Sendable, CaseIterable {
    case noSpace = "ENOSPC"
    case badDisk = "EIO"
    case tooManyFiles = "EMFILE"
    case forbidden = "EACCES"
    case interrupted = "EINTR"
    case stale = "ESTALE"
    case quota = "EDQUOT"
    /// write(2) takes less than it is given.
    case shortWrite = "short write"

    var code: Int32? {
        switch self {
        case .noSpace: ENOSPC
        case .badDisk: EIO
        case .tooManyFiles: EMFILE
        case .forbidden: EACCES
        case .interrupted: EINTR
        case .stale: ESTALE
        case .quota: EDQUOT
        case .shortWrite: nil
        }
    }

    var isFullDisk: Bool { self == .noSpace || self == .quota }

    /// The calls that fail while the fault lasts.
    func lasts(for call: SystemCall) -> Bool {
        switch self {
        case .noSpace, .quota: Self.takesSpace(call)
        case .badDisk, .stale, .forbidden: true
        case .tooManyFiles: [.open, .list, .spawn].contains(call.operation)
        // It would never end.
        case .interrupted: false
        case .shortWrite: call.operation == .write
        }
    }

    /// What stands in the reserve has its space.
    private static func takesSpace(_ call: SystemCall) -> Bool {
        switch call.operation {
        case .write: !call.path.hasSuffix("/reserve")
        case .makeDirectory, .makeFIFO, .link, .allocate: true
        case .open: call.path.contains("/.jobspool/tmp/")
        case .read, .rename, .unlink, .stat, .list, .lock, .truncate, .touch, .syncData, .sync, .syncFileSystem,
            .removeDirectory, .changeMode, .spawn:
            false
        }
    }
}

/// Which calls fail.
struct FaultPlan: Sendable, CustomStringConvertible {
    var fault: Fault
    /// Counted from 1; of short writes the writes are counted.
    var call: Int
    /// From this call on until it is lifted.
    var lasts = false

    var description: String { "\(fault.rawValue) \(lasts ? "from" : "at") call \(call)\(lasts ? " on" : "")" }
}

final class Disturbance: Sendable {
    let plan: FaultPlan?

    private struct State {
        var calls = 0
        var isLifted = false
        var hits: [String] = []
        var isTold = false
        var spawnsUnderFault = 0
        var spawnsWhenTold = 0
    }

    private let state = Mutex(State())

    init(_ plan: FaultPlan?) { self.plan = plan }

    /// How many calls there have been.
    var calls: Int { state.withLock { $0.calls } }
    /// The calls that failed.
    var hits: [String] { state.withLock { $0.hits } }
    /// Attempts that were started while the fault was there.
    var spawnsUnderFault: Int { state.withLock { $0.spawnsUnderFault } }
    /// Those of them that the daemon started after it had said so.
    var spawnsWhenTold: Int { state.withLock { $0.spawnsWhenTold } }
    /// The daemon has told of the fault.
    func isTold() { state.withLock { $0.isTold = true } }
    var isOn: Bool {
        state.withLock { state in plan.map { $0.lasts && !state.hits.isEmpty && !state.isLifted } ?? false }
    }

    func lift() { state.withLock { $0.isLifted = true } }

    var system: SystemCalls {
        SystemCalls { [self] call, make in
            // A look that finds nothing new is none: how often followers look is left to chance.
            if call.operation == .read, call.path.hasSuffix("/stdout") || call.path.hasSuffix("/stderr") {
                let count = make(.max)
                if count <= 0 || !strikes(call) { return count }
                errno = plan?.fault.code ?? EIO
                return -1
            }
            guard strikes(call) else { return make(.max) }
            guard let code = plan?.fault.code else { return make(3) }
            errno = code
            return -1
        }
    }

    private func strikes(_ call: SystemCall) -> Bool {
        state.withLock { state in
            guard let plan else {
                state.calls += 1
                return false
            }
            if plan.fault == .shortWrite, call.operation != .write { return false }
            state.calls += 1
            if state.isLifted || state.calls < plan.call { return false }
            let isOn = plan.lasts && !state.hits.isEmpty
            let isStruck = plan.lasts ? plan.fault.lasts(for: call) : state.calls == plan.call
            if isOn, !isStruck, call.operation == .spawn {
                state.spawnsUnderFault += 1
                if state.isTold { state.spawnsWhenTold += 1 }
            }
            if isStruck, state.hits.count < 1000 { state.hits.append("\(call.operation.rawValue) \(call.path)") }
            return isStruck
        }
    }
}
