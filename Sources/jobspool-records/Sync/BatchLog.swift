/// The log lines about batches: "Adding batch 1/130", or, in a dry run, what it would add.
import JSONText
import JobHandler

struct BatchLog {
    private let job: Job
    private let size: Int
    private var number = 0

    init(_ job: Job, size: Int) {
        self.job = job
        self.size = size
    }

    /// - Parameter total: records in all, if that is known.
    mutating func tell(_ outcomes: [Outcome], _ batch: RecordBatch, of total: Int?) {
        number += 1
        for (outcome, would, verb) in [(Outcome.created, "add", "Adding"), (.updated, "update", "Updating")] {
            let keys = outcomes.indices.filter { outcomes[$0] == outcome }
            guard !keys.isEmpty else { continue }
            if job.isDryRun {
                tellWould(would, keys.prefix(6).map { batch.key($0) }, count: keys.count)
            } else {
                job.log("\(verb) batch \(number)\(of(total))")
                return
            }
        }
    }

    mutating func tellDeletions(_ total: Int) {
        number += 1
        job.log("Deleting batch \(number)\(of(total))")
    }

    /// - Parameter keys: the first ones.
    func tellWould(_ verb: String, _ keys: [String], count: Int) {
        let more = count > min(keys.count, 5) ? ", …" : ""
        job.log("DRY RUN: would \(verb) \(count): \(keys.prefix(5).map(Self.shown).joined(separator: ", "))\(more)")
    }

    /// A key of several fields is a JSON array, of which people need not see what is missing: most calendar events do not recur.
    private static func shown(_ key: String) -> String {
        guard key.utf8.first == UInt8(ascii: "[") else { return key }
        do {
            let fields = try JSON(parsing: key).array?.filter { !$0.isNull } ?? []
            return fields.count == 1 ? fields[0].string ?? fields[0].text : JSON.array(fields).text
        } catch {
            return key
        }
    }

    /// The number of batches can only be an upper limit of what is read, where some of it needs no change.
    /// - Parameter total: any number, however large: some sources just say it.
    private func of(_ total: Int?) -> String {
        total.map { "/\(max(number, $0 / size + ($0 % size == 0 ? 0 : 1)))" } ?? ""
    }
}
