/// All checks of a spool, in the order in which they are told. One that cannot be made says so, and the others go on.
import Glibc
import JSONText
import JobRunner
import SpoolClient
import SpoolProtocol
import SpoolStorage

struct Examination {
    let spool: SpoolDirectory
    let directory: DirectoryFacts
    let daemon: DaemonFacts
    /// The types directory, when it was named.
    let types: String?
    /// nil: no file is dropped.
    let canarySeconds: Double?
    private let now = Clock.now()

    /// - Throws: `SpoolClientError`.
    init(_ spool: SpoolDirectory, types: String?, canarySeconds: Double?) throws(SpoolClientError) {
        self.spool = spool
        self.types = types
        self.canarySeconds = canarySeconds
        directory = try spool.directoryFacts()
        daemon = try spool.daemonFacts()
    }

    private var isServed: Bool { if case .running = daemon.presence { true } else { false } }

    /// Whoever serves the spool, or would.
    private var account: Account { directory.daemon ?? directory.caller }

    mutating func run() -> [Finding] {
        var findings = directory.findings
        findings += FileSystemCheck(path: spool.path, overview: isServed ? daemon.overview : nil).findings
        findings += attempt(.fileSystem) { () throws(SpoolClientError) in [try spool.fileSystemTrial()] }
        findings += InotifyUse(of: account.user).findings
        findings += attempt(.space) { () throws(SpoolClientError) in try spool.spaceFindings() }
        findings += daemon.findings
        findings += attempt(.canary) { () throws(SpoolClientError) in try canary() }
        var catalog = TypeCheck(
            types, shown: daemon.overview?.daemon?.typesDirectory, account: account,
            known: daemon.overview?.types.keys ?? [])
        findings += catalog.findings()
        do throws(SpoolClientError) {
            let inventory = try spool.inventory()
            findings += lyingAbout(inventory)
            findings += attempt(.requests) { () throws(SpoolClientError) in try requests(inventory, &catalog) }
        } catch {
            findings.append(Self.unchecked(.names, error))
        }
        return Self.inOrder(findings)
    }

    /// Stable, so that what one check says stays together.
    private static func inOrder(_ findings: [Finding]) -> [Finding] {
        Finding.Check.allCases.flatMap { check in findings.filter { $0.check == check } }
    }

    private func attempt(
        _ check: Finding.Check, _ body: () throws(SpoolClientError) -> [Finding]
    ) -> [Finding] {
        do throws(SpoolClientError) {
            return try body()
        } catch {
            return [Self.unchecked(check, error)]
        }
    }

    private static func unchecked(_ check: Finding.Check, _ error: SpoolClientError) -> Finding {
        .unchecked(check, "it could not be looked at: \(error.message)", remedy: "ask as the daemon's user or root")
    }

    private func canary() throws(SpoolClientError) -> [Finding] {
        guard let canarySeconds else { return [] }
        let outcome: Canary.Outcome =
            if let obstacle = Canary.obstacle(directory, daemonIsRunning: isServed) {
                .notTried(obstacle)
            } else {
                try spool.dropCanary(within: canarySeconds)
            }
        return [Canary.finding(outcome, overview: daemon.overview)]
    }

    // MARK: What lies in the spool

    private func lyingAbout(_ inventory: SpoolInventory) -> [Finding] {
        var findings = inventory.nameFindings(now: now) + inventory.outputFindings
        findings += attempt(.cancels) { () throws(SpoolClientError) in
            try inventory.cancelFindings(now: now, daemonIsRunning: isServed) { name throws(SpoolClientError) in
                try spool.isOverOrAbsent(name)
            }
        }
        findings += attempt(.schedules) { () throws(SpoolClientError) in
            try spool.scheduleFindings(daemonIsRunning: isServed)
        }
        findings += attempt(.aside) { () throws(SpoolClientError) in
            if let facts = try spool.privateFacts(inventory, now: now) { return facts.findings(now: now) }
            if directory.home == nil { return [] }
            return [
                .unchecked(
                    .aside, "what was moved aside, and what is left of attempts, only the daemon's user may see",
                    remedy: "ask as \(Users.name(of: account.user)) or root")
            ]
        }
        return findings
    }

    /// More than so many are only counted.
    private static let requestLimit = 1000

    private func requests(
        _ inventory: SpoolInventory, _ types: inout TypeCheck
    ) throws(SpoolClientError) -> [Finding] {
        let unseen = try spool.unseenRequests(in: inventory, for: directory.daemon, limit: Self.requestLimit)
        var findings: [Finding] = []
        for request in unseen where !request.isBeingWritten {
            guard let problem = request.problem ?? types.rejection(of: request) else { continue }
            findings.append(
                .problem(
                    .requests,
                    "\(request.name) of \(Users.name(of: request.owner)) will be rejected: \(problem.message)",
                    remedy: "correct it, or remove it"))
        }
        let shown = 10
        if findings.count > shown {
            findings =
                findings.prefix(shown) + [
                    .problem(
                        .requests, "\(findings.count - shown) more requests will be rejected",
                        remedy: "`jobspool doctor NAME` tells why")
                ]
        }
        let count = unseen.count == Self.requestLimit ? "\(unseen.count) or more requests wait" : "\(unseen.count) wait"
        return findings + [
            .ok(.requests, unseen.isEmpty ? "every request has been seen" : "\(count) to be seen by a daemon")
        ]
    }
}
