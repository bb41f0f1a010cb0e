/// Tries in a directory what a daemon relies on: locks that exclude each other, renaming over a file, a FIFO, waiting for
/// the disk. What it makes is hidden, is in one directory, and is gone afterwards.
import Glibc
import SpoolProtocol

package struct FileSystemTrial: Sendable {
    /// What does not work, and why; empty when all does.
    package private(set) var failures: [(what: String, why: String)] = []

    /// - Throws: `SpoolError` when it cannot be tried: nothing may be made there.
    package init(in parent: Directory) throws(SpoolError) {
        let name = FileName(".jobspool-trial-\(makeUUID())")
        let place = try parent.makeDirectory(name.description, mode: 0o700)
        do throws(SpoolError) {
            try run(in: place)
        } catch {
            do { try parent.removeTree(name) } catch {}
            throw error
        }
        try parent.removeTree(name)
    }

    private mutating func run(in place: Directory) throws(SpoolError) {
        let file = FileName("a")
        let first = try place.open(file, O_RDWR | O_CREAT | O_EXCL)
        let second = try place.open(file, O_RDWR)
        attempt("locks (flock)") { () throws(SpoolError) in
            guard try first.tryLock() else { return "nobody holds the lock, and it is not given" }
            return try second.tryLock() ? "two hold the same lock" : nil
        }
        attempt("renaming over a file") { () throws(SpoolError) in
            _ = try place.open(FileName("b"), O_WRONLY | O_CREAT)
            try place.rename(file, to: place, FileName("b"))
            return try place.stat(file) == nil ? nil : "the old name is still there"
        }
        attempt("FIFOs") { () throws(SpoolError) in
            try place.makeFIFO(FileName("c"))
            _ = try place.open(FileName("c"), O_RDWR)
            return nil
        }
        attempt("waiting for the disk (fsync)") { () throws(SpoolError) in
            try first.write([0x0A])
            try first.syncData()
            try place.sync()
            return nil
        }
    }

    private mutating func attempt(_ what: String, _ body: () throws(SpoolError) -> String?) {
        do throws(SpoolError) {
            if let why = try body() { failures.append((what, why)) }
        } catch {
            failures.append((what, "\(error)"))
        }
    }
}
