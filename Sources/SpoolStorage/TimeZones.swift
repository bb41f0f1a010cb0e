/// The machine's time zones: the files of /usr/share/zoneinfo (tzfile(5)), by their names. Each is read again when it has
/// changed, so that a daemon that runs for years keeps up with the world's clocks.
package import SpoolProtocol
import Glibc
import JSONText

package struct TimeZones: Sendable {
    package static let directory = "/usr/share/zoneinfo"
    private static let maximumBytes = 1 << 20

    private let directory: String
    private var known: [String: (stat: FileStat, rules: TimeZoneRules)] = [:]
    /// All of them, for who has misspelt one: listed once a minute at most (CLOCK_MONOTONIC, seconds).
    private var listed: (names: [String], at: Double)?

    package init(directory: String = Self.directory) { self.directory = directory }

    /// - Throws: `JobError` `INVALID_SCHEDULE` that names the nearest zone, or another remedy.
    package mutating func rules(of name: String) throws(JobError) -> TimeZoneRules {
        // Has no need of files.
        if name == Schedule.defaultTimeZone { return .utc }
        guard Self.isName(name) else { throw problem(name, "must be a zone's name, such as \"Europe/Berlin\"") }
        do {
            let path = "\(directory)/\(name)"
            guard let stat = try FileStat(following: path), stat.kind == .file else { throw unknown(name) }
            if let known = known[name], known.stat == stat { return known.rules }
            let rules = try TimeZoneRules(tzif: try Self.read(path))
            known[name] = (stat, rules)
            return rules
        } catch let error as JobError {
            throw error
        } catch let error as SpoolError {
            throw [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG].contains(error.code)
                ? unknown(name) : problem(name, "cannot be read: \(error)")
        } catch {
            throw problem(name, "\(error)")
        }
    }

    /// Letters, digits and `+-_` between slashes: nothing that leads out of the directory.
    private static func isName(_ name: String) -> Bool {
        name.utf8.count <= 100
            && name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty
                    && part.allSatisfy { byte in
                        (0x41...0x5A).contains(byte & 0xDF) || (0x30...0x39).contains(byte) || "+-_".utf8.contains(byte)
                    }
            }
    }

    private static func read(_ path: String) throws(SpoolError) -> [UInt8] {
        let system = SystemCalls.real
        let raw = try system.perform(.open, path) { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        return try Descriptor(adopting: raw, path: .whole(path), system: system).read(limit: maximumBytes)
    }

    // MARK: Errors

    private func problem(_ name: String, _ what: String) -> JobError {
        JobError(
            .invalidSchedule, "`time_zone` \"\(name.printable(limit: 60))\" \(what)", details: ["field": "time_zone"])
    }

    private mutating func unknown(_ name: String) -> JobError {
        let now = Clock.monotonic()
        if listed.map({ now >= $0.at + 60 }) ?? true { listed = (names(), now) }
        let names = listed?.names ?? []
        if names.isEmpty {
            return problem(name, "cannot be looked up, for there are no time zones in \(directory): install tzdata")
        }
        let nearest = nearestWord(to: name, among: names).map { "; did you mean \"\($0)\"?" } ?? ": ls \(directory)"
        return problem(name, "is no time zone of this machine\(nearest)")
    }

    /// Of the zones, without those that `posix` and `right` repeat.
    private func names(in folder: String = "") -> [String] {
        do {
            return try Directory.open("\(directory)/\(folder)").entries().flatMap { entry -> [String] in
                guard let word = entry.string, Self.isName(word) else { return [] }
                let name = folder.isEmpty ? word : "\(folder)/\(word)"
                guard try FileStat(following: "\(directory)/\(name)")?.kind == .directory else { return [name] }
                return ["posix", "right"].contains(name) ? [] : names(in: name)
            }
        } catch {
            return []
        }
    }
}
