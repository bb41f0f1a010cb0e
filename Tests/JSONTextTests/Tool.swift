/// Other programs as independent judges.
import Foundation

enum Tool {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The standard output of a program that reads `input`.
    static func run(_ command: [String], input: [UInt8]) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        try process.run()
        // Every program here reads all of its input before it writes.
        try stdin.fileHandleForWriting.write(contentsOf: Data(input))
        try stdin.fileHandleForWriting.close()
        let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        switch process.terminationStatus {
        case 0: return Array(output)
        case 127: throw Failure(description: "\(command[0]) is missing: apt-get install \(command[0])")
        case let status: throw Failure(description: "\(command[0]) failed with exit status \(status)")
        }
    }
}
