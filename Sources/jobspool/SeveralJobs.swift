/// One command about several jobs.
import JSONText
import SpoolClient
import SpoolProtocol

extension ClientCommand {
    /// Does the same with each. What one of several is refused for is told in its place, and the others have their turn all the same; an
    /// error about the only one is the command's. With `--json` several documents are one array.
    /// - Returns: how each one went.
    func forEach<Item>(
        _ items: [Item], _ act: (Item) throws -> (document: JSON, status: ExitStatus)
    ) throws -> [ExitStatus] {
        var documents: [JSON] = []
        var statuses: [ExitStatus] = []
        for item in items {
            do {
                let done = try act(item)
                documents.append(done.document)
                statuses.append(done.status)
            } catch let error as SpoolClientError where items.count > 1 {
                documents.append(error.json)
                statuses.append(ExitStatus(error))
                if !options.json { tell(error) }
            }
        }
        if options.json { Stream.output.json(items.count == 1 ? documents[0] : .array(documents)) }
        return statuses
    }

    /// Waits for each, and tells of the only one all that is known, of several how they ended.
    /// - Returns: how each one went.
    func waitForEach<Item>(
        _ items: [Item], in spool: SpoolDirectory, _ end: (Item) throws -> JobView
    ) throws -> [ExitStatus] {
        if items.count == 1 { return [show(try end(items[0]), in: spool)] }
        return try forEach(items) { item in
            let view = try end(item)
            noteMissingResult(of: view)
            if !options.json { Stream.output.line("\(safe(view.name.string)): \(view.summary)") }
            guard case .over(let result) = view.state else { return (view.json, .jobNotCompleted) }
            return (view.resultJSON ?? view.json, ExitStatus(result))
        }
    }

    /// What is done with each before any of them is waited for; what some are refused for is told when their turn to be waited for has come.
    func attempt<Item, Done>(
        _ items: [Item], _ act: (Item) throws -> Done
    ) throws -> [Result<Done, SpoolClientError>] {
        try items.map { item in
            do {
                return .success(try act(item))
            } catch let error as SpoolClientError {
                return .failure(error)
            }
        }
    }
}
