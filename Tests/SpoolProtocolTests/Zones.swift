/// Time zones for tests: a TZif file that is nothing but a footer, made here, and the machine's own files.
import Foundation
import SpoolProtocol

enum Zones {
    /// As zic(8) writes it for a zone that never had another rule.
    static func file(footer: String, version: Character = "2") -> [UInt8] {
        let block = [UInt8](repeating: 0, count: 6) + Array("X\0".utf8)
        func header(_ version: Character) -> [UInt8] {
            Array("TZif".utf8) + [version.asciiValue ?? 0] + [UInt8](repeating: 0, count: 15)
                + [0, 0, 0, 0, 1, 2].flatMap { [0, 0, 0, UInt8($0)] }
        }
        return header(version) + block + header(version) + block + Array("\n\(footer)\n".utf8)
    }

    static func zone(_ footer: String) throws -> TimeZoneRules { try TimeZoneRules(tzif: file(footer: footer)) }

    static let berlin = "CET-1CEST,M3.5.0,M10.5.0/3"
    static let newYork = "EST5EDT,M3.2.0,M11.1.0"
    static let lordHowe = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
    static let troll = "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3"

    static let directory = "/usr/share/zoneinfo"
    static var areInstalled: Bool { FileManager.default.fileExists(atPath: "\(directory)/Europe/Berlin") }

    static func installed(_ name: String) throws -> TimeZoneRules {
        try TimeZoneRules(tzif: Array(try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)"))))
    }
}
