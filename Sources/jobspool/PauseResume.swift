/// `jobspool pause` and `jobspool resume`: keep jobs from starting, and let them start again.
import ArgumentParser
import JSONText
import SpoolClient
import SpoolProtocol

struct PauseSpool: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Let no job start until `resume`; running jobs go on.",
        discussion: "For the owner of the spool's directory, the daemon's user and root.")

    @OptionGroup var options: SpoolOptions
    @Option(help: "Why, for those who wait.") var reason: String?

    func execute() throws -> ExitStatus {
        let spool = try options.open()
        let isNew = try spool.pause(reason: reason)
        let pause = try spool.pause()
        if options.json {
            Stream.output.json(["paused": pause?.json ?? .null, "changed": .bool(isNew)])
        } else if isNew {
            Stream.output.line("paused: no job starts until `\(options.commandLine("resume"))`")
        } else {
            Stream.output.line("paused already\(pause.map { ", \(shown($0))" } ?? "")")
        }
        return .success
    }
}

struct ResumeSpool: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let jobs start again after `pause`.")

    @OptionGroup var options: SpoolOptions

    func execute() throws -> ExitStatus {
        let wasPaused = try options.open().resume()
        if options.json {
            Stream.output.json(["paused": .null, "changed": .bool(wasPaused)])
        } else {
            Stream.output.line(wasPaused ? "resumed" : "it was not paused")
        }
        return .success
    }
}

/// "since 2026-01-07 13:33:12Z by anna: disk is full"
func shown(_ pause: Pause) -> String {
    "since \(shown(pause.since) ?? "") by \(safe(pause.by))\(pause.reason.map { ": \(safe($0))" } ?? "")"
}
