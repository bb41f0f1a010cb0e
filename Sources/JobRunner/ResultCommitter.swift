/// Gets results to the disk on a thread of its own, in the order in which jobs ended: the next job runs meanwhile. What waits
/// is committed together, so that many short jobs share one sync of the directory.
///
/// The order is the promise: the result on the disk first, then the status that announces it, then the news to the runner, which
/// tells the feed.
import Dispatch
import JSONText
import SpoolProtocol
import SpoolStorage
import Synchronization

/// What is to be committed.
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
    /// The result is not on the disk, or not known to be.
    var resultError: SpoolError?
    /// The result is, the status is not in its place.
    var statusError: SpoolError?
}

final class ResultCommitter: Sendable {
    private let spool: Spool
    private let mailbox: Mailbox
    private let queue = DispatchQueue(label: "results")
    private let waiting = Mutex<[ResultOrder]>([])

    init(_ spool: Spool, _ mailbox: Mailbox) {
        self.spool = spool
        self.mailbox = mailbox
    }

    /// The report comes as news.
    func commit(_ order: ResultOrder) {
        let isFirst = waiting.withLock { waiting in
            waiting.append(order)
            return waiting.count == 1
        }
        if isFirst { queue.async { [self] in commitAll() } }
    }

    private func commitAll() {
        let orders = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        var reports = orders.map { CommitReport(name: $0.name, jobID: $0.result.status.identity.jobID) }
        let results = orders.indices.filter { orders[$0].part != .status }
        let errors = spool.publishTogether(results.map { (orders[$0].result.json, .result(orders[$0].name)) })
        for (index, error) in zip(results, errors) { reports[index].resultError = error }
        for (index, order) in orders.enumerated() where order.part != .result && reports[index].resultError == nil {
            do throws(SpoolError) {
                try spool.publish(order.result.status.json, as: .status(order.name), .process)
            } catch {
                reports[index].statusError = error
            }
        }
        for report in reports { mailbox.put(.committed(report)) }
    }
}
