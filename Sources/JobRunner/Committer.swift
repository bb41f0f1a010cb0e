/// Gets accepted requests and results to the disk on a thread of its own, in the order in which jobs were accepted and ended: jobs
/// start and run meanwhile. What waits is committed together, so that many short jobs share one sync of the directory.
///
/// The order is the promise: the request and its status on the disk before anything else of the job is told; the result on the disk, then
/// the status that announces it, then the news to the runner, which tells the feed.
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization

/// A request that has been accepted.
struct AcceptanceOrder: Sendable {
    var status: JobStatus
    /// The status is in its place, whole.
    var isShown: Bool

    var name: JobName { status.identity.name }
}

/// A result that is to be committed.
struct ResultOrder: Sendable {
    enum Part: Sendable {
        case resultAndStatus
        /// The feed has to tell of the job before its status does.
        case result
        /// The result is on the disk already.
        case status
    }

    var result: JobResult
    var part: Part

    var name: JobName { result.status.identity.name }
}

/// What became of it.
struct CommitReport: Sendable {
    var name: JobName
    var jobID: String
    /// Another request was there before the result was.
    var isOvertaken = false
    /// The result is not on the disk, or not known to be.
    var resultError: SpoolError?
    /// The result is, the status is not in its place.
    var statusError: SpoolError?
}

final class Committer: Sendable {
    private let spool: Spool
    private let mailbox: Mailbox
    private let worker: SerialWorker
    private let waiting = Mutex(Orders())

    private struct Orders {
        var accepted: [AcceptanceOrder] = []
        var results: [ResultOrder] = []
        /// The thread is about to take them.
        var isTaken = false
        /// It has been asked to look again later.
        var isPutOff = false
    }

    /// So long results wait for others that are to come, in seconds.
    static let patience = 0.005
    /// So many wait for no more.
    static let enough = 8

    init(_ spool: Spool, _ mailbox: Mailbox, _ threads: ThreadPool) {
        self.spool = spool
        self.mailbox = mailbox
        worker = SerialWorker(threads)
    }

    /// Sees a request and its first status to the disk, from the next `begin` on. The report comes as news.
    func commit(_ order: AcceptanceOrder) { waiting.withLock { $0.accepted.append(order) } }

    /// Publishes a result, after the statuses that came before, from the next `begin` on. The report comes as news.
    func commit(_ order: ResultOrder) { waiting.withLock { $0.results.append(order) } }

    private enum Move {
        case begin
        case nothing
        case putOff
    }

    /// Begins with what has been ordered.
    /// - Parameter moreToCome: other results follow soon, which can share the syncs.
    /// - Returns: in so many seconds it is to be begun anyway; nil: nothing waits for that, or it is told already.
    @discardableResult
    func begin(moreToCome: Bool = false) -> Double? {
        let move = waiting.withLock { waiting -> Move in
            if waiting.isTaken || waiting.accepted.isEmpty && waiting.results.isEmpty { return .nothing }
            if moreToCome, waiting.accepted.isEmpty, waiting.results.count < Self.enough {
                defer { waiting.isPutOff = true }
                return waiting.isPutOff ? .nothing : .putOff
            }
            waiting.isTaken = true
            return .begin
        }
        switch move {
        case .begin: worker.run { [self] in commitAll() }
        case .nothing: break
        case .putOff: return Self.patience
        }
        return nil
    }

    private func commitAll() {
        let orders = waiting.withLock { waiting in
            defer { waiting = Orders() }
            return waiting
        }
        if !orders.accepted.isEmpty { secure(orders.accepted) }
        if !orders.results.isEmpty { publish(orders.results) }
    }

    /// Some statuses are in their places already, others are not; what becomes of them is reported in order all the same.
    private func secure(_ orders: [AcceptanceOrder]) {
        var errors = [SpoolError?](repeating: nil, count: orders.count)
        let unshown = orders.indices.filter { !orders[$0].isShown }
        if !unshown.isEmpty {
            let outcomes = spool.publishTogether(
                unshown.map { (orders[$0].status.json, .status(orders[$0].name)) },
                after: unshown.map { .request(orders[$0].name) })
            for (index, error) in zip(unshown, outcomes) { errors[index] = error }
        }
        let shown = orders.indices.filter { orders[$0].isShown }
        if !shown.isEmpty {
            do throws(SpoolError) {
                try spool.syncTogether(shown.flatMap { [.request(orders[$0].name), .status(orders[$0].name)] })
            } catch {
                for index in shown { errors[index] = error }
            }
        }
        mailbox.put(.accepted(zip(orders, errors).map { (name: $0.name, error: $1) }))
    }

    private func publish(_ orders: [ResultOrder]) {
        var reports = orders.map { CommitReport(name: $0.name, jobID: $0.result.status.identity.jobID) }
        let results = orders.indices.filter { orders[$0].part != .status }
        let overtaken = Set(results.lazy.map { orders[$0] }.filter(isOvertaken).map(\.name))
        let errors = spool.publishTogether(results.map { (orders[$0].result.json, .result(orders[$0].name)) }) { file in
            if case .result(let name) = file, overtaken.contains(name) { Spool.overtakenMode } else { Spool.mode }
        }
        for (index, error) in zip(results, errors) {
            reports[index].resultError = error
            reports[index].isOvertaken = overtaken.contains(orders[index].name)
        }
        for (index, order) in orders.enumerated() where order.part != .result && reports[index].resultError == nil {
            do throws(SpoolError) {
                try spool.showEnd(order.result.status)
            } catch {
                reports[index].statusError = error
            }
        }
        mailbox.put(.committed(reports))
    }

    /// Whether another request has come while the job ran.
    private func isOvertaken(_ order: ResultOrder) -> Bool {
        do throws(SpoolError) {
            return try spool.hasNewRequest(since: order.result.status)
        } catch {
            // The next look at the directory has to find out.
            mailbox.put(.trouble(error))
            return true
        }
    }
}

extension Spool {
    /// Announces a result that is on the disk; unless somebody who saw it there has taken it away by now, with all else of the job.
    func showEnd(_ status: JobStatus) throws(SpoolError) {
        guard let result = SpoolFile.result(status.identity.name).fileName, try root.stat(result) != nil else { return }
        try publish(status.json, as: .status(status.identity.name), .process)
    }

    /// Whether another request has come since the one that a job ran for.
    func hasNewRequest(since ended: JobStatus) throws(SpoolError) -> Bool {
        guard let file = SpoolFile.request(ended.identity.name).fileName, let stat = try root.stat(file) else {
            return false
        }
        return stat.fingerprint != ended.request
    }
}
