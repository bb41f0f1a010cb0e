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
        if try !printNew(&reader, withRemainder: true) {
            // It may just have gone to the archive.
            try reader.follow(try spool.status(of: location))
            _ = try printNew(&reader, withRemainder: true)
        }
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
                if isFirst { _ = try printNew(&reader) } else { write(try reader.next()) }
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

    /// A part after another: a log may be larger than the memory.
    /// - Returns: whether there was anything.
    private func printNew(_ reader: inout LogReader, withRemainder: Bool = false) throws -> Bool {
        var isAnything = false
        var last: [[UInt8]] = []
        func take(_ part: [[UInt8]]) {
            isAnything = isAnything || !part.isEmpty
            if let lines { last = (last + part).suffix(lines) } else { write(part) }
        }
        while let part = try reader.nextPart() { take(part) }
        if withRemainder, let remainder = reader.remainder() { take([remainder]) }
        write(last)
        return isAnything
    }

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
