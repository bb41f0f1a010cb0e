/// `jobspool logs`: a job's log, or its item errors, now or as they come.
import ArgumentParser
import Glibc
import SpoolClient
import SpoolProtocol

struct Logs: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Print the log of a job.",
        discussion: "With --follow until the job is over; a job that has not started yet is waited for.")

    @OptionGroup var options: SpoolOptions
    @Flag(name: .shortAndLong, help: "Print what comes, until the job is over.") var follow = false
    @Flag(help: "The errors of single items instead.") var errors = false
    @Option(name: [.customShort("n"), .long], help: "Only the last lines, and what comes.") var lines: Int?
    @Argument(help: "The job's name, or its job_id.") var name: String

    func validate() throws {
        if let lines, lines < 0 { throw ValidationError("--lines must not be below 0") }
    }

    func execute() throws -> ExitStatus {
        let spool = try options.open()
        let location = try spool.find(name)
        var reader = try spool.logs(of: location, errors ? .errors : .log)
        if follow { return try follow(try spool.watch(location), &reader) }
        var lines = try reader.next()
        if lines.isEmpty {
            // It may just have gone to the archive.
            try reader.follow(try spool.status(of: location))
            lines = try reader.next()
        }
        write(last(lines + [reader.remainder()].compactMap(\.self)))
        return .success
    }

    private func follow(_ watch: JobWatch, _ reader: inout LogReader) throws -> ExitStatus {
        var watch = watch
        var isFirst = true
        while true {
            let sight = try watch.look()
            // Until the run is accepted, a log that is there is the one of the run before.
            let isOfThisRun: Bool
            switch sight {
            case .over(let view, _):
                isOfThisRun = true
                try reader.follow(view)
            case .underWay(let view): isOfThisRun = view.status?.request == watch.version
            }
            if isOfThisRun {
                let lines = try reader.next()
                write(isFirst ? last(lines) : lines)
                isFirst = false
            }
            switch sight {
            case .over(let view, let result):
                write([reader.remainder()].compactMap(\.self))
                // A handler that could not be started, or that failed without a word, has left no line.
                if result.status.standing != .completed, !options.json {
                    Stream.diagnostics.note("\(safe(view.name.string)): \(safe(view.summary))")
                }
                return .success
            case .underWay:
                usleep(UInt32(min(watch.pause, 0.2) * 1_000_000))
            }
        }
    }

    private func last(_ lines: [[UInt8]]) -> [[UInt8]] { self.lines.map { lines.suffix($0) } ?? lines }

    private func write(_ lines: [[UInt8]]) {
        for line in lines {
            if options.json {
                Stream.output.jsonLine(line)
            } else {
                Stream.output.line(logText(line: line, .output))
            }
        }
    }
}
