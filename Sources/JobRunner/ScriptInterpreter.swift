/// The program that a script's first line names (execve(2)): when it is missing the kernel says only that there is no such file.
import Glibc
import SpoolProtocol
import SpoolStorage

package struct ScriptInterpreter: Sendable, Equatable {
    /// As the kernel takes it: what stands behind `#!` up to a blank.
    package let path: String

    /// The kernel reads no more of the line, in bytes: BINPRM_BUF_SIZE.
    private static let limit = 256

    /// nil when the file is no script, or cannot be read.
    package init?(of program: String) {
        do throws(SpoolError) {
            let raw = try SystemCalls.real.perform(.open, program) { open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
            let file = Descriptor(adopting: raw, path: .whole(program), system: .real)
            self.init(firstLineOf: try file.read(limit: Self.limit))
        } catch {
            return nil
        }
    }

    init?(firstLineOf bytes: [UInt8]) {
        guard bytes.starts(with: "#!".utf8) else { return nil }
        let line = bytes.dropFirst(2).prefix { $0 != 0x0A }.drop { $0 == 0x20 || $0 == 0x09 }
        let name = line.prefix { $0 != 0x20 && $0 != 0x09 }
        if name.isEmpty { return nil }
        path = String(decoding: name, as: UTF8.self)
    }

    /// What is wrong with it, with the remedy for the script; nil when it is there.
    package func problem(in script: String) -> String? {
        if access(path, F_OK) == 0 { return nil }
        if path.utf8.last == 0x0D {
            return
                "its first line ends in a carriage return, as on Windows: sed -i 's/\\r$//' \(shellQuoted(path: script))"
        }
        return "its first line names \(path), which is not there: install that, or correct the line"
    }
}
