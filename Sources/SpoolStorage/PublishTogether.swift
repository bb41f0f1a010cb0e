/// Several files at once, each as safely as alone: all are written, all are synced, and the directory is synced once. On a
/// journalling file system the first sync takes most of the others along.
import CLinux
import Glibc
package import JSONText
package import SpoolProtocol

/// A file that is open, and the name that it has.
private final class OpenFile {
    let name: FileName
    let file: Descriptor

    init(_ name: FileName, _ file: consuming Descriptor) {
        self.name = name
        self.file = file
    }
}

extension Spool {
    /// Puts outputs into the spool so that they survive a power cut. What stands in their places and is another's is moved aside.
    /// - Parameter sources: files that are there already and must survive it, too, before the outputs are. What has gone meanwhile, or has
    ///   become something else, is passed over.
    /// - Returns: for each output what went wrong with it; nil: it is on the disk.
    package func publishTogether(
        _ outputs: [(json: JSON, file: SpoolFile)], after sources: [SpoolFile] = [],
        mode: (SpoolFile) -> UInt32 = { _ in Spool.mode }
    ) -> [SpoolError?] {
        var errors = [SpoolError?](repeating: nil, count: outputs.count)
        var staged = [FileName?](repeating: nil, count: outputs.count)
        // Of few only: descriptors may be scarce (`ulimit -n`).
        var open = [OpenFile?](repeating: nil, count: outputs.count)
        let areMany = outputs.count >= Self.manyOutputs
        func forEach(_ step: (Int) throws(SpoolError) -> Void) {
            for index in outputs.indices where errors[index] == nil {
                do throws(SpoolError) {
                    try step(index)
                } catch {
                    errors[index] = error
                    discard(staged[index])
                }
            }
        }
        forEach { (index) throws(SpoolError) in
            try moveAsideUnlessOwn(Self.file(outputs[index].file))
            let file = try stage(outputs[index].json, mode(outputs[index].file))
            staged[index] = file.name
            if !areMany { open[index] = file }
        }
        let together = Result { () throws(SpoolError) in
            if areMany { return try root.syncFileSystem() }
            if outputs.count + sources.count > 1 { for case let file? in open { linux_start_writing(file.file.raw) } }
            try sync(sources)
        }
        forEach { (index) throws(SpoolError) in
            try together.get()
            try open[index]?.file.syncData()
        }
        forEach { (index) throws(SpoolError) in
            guard let name = staged[index] else { return }
            try place(name, in: root, Self.file(outputs[index].file))
            staged[index] = nil
        }
        guard errors.contains(where: { $0 == nil }) else { return errors }
        do throws(SpoolError) {
            try root.sync()
        } catch {
            for index in errors.indices where errors[index] == nil { errors[index] = error }
        }
        return errors
    }

    /// Waits until files that are in the spool already are on the disk, and their names and what else the directory has got with them.
    package func syncTogether(_ files: [SpoolFile]) throws(SpoolError) {
        try sync(files)
        try root.sync()
    }

    private func sync(_ sources: [SpoolFile]) throws(SpoolError) {
        for source in sources {
            let name = Self.file(source)
            // Nobody can look at it any more: others' files must not wait for that.
            guard try root.visibleStat(name)?.kind == .file else { continue }
            do {
                // Its time belongs to it: by that the version is known.
                try root.open(name, O_RDONLY).sync()
            } catch  where [ENOENT, ELOOP, ENXIO].contains(error.code) {
            } catch  where error.code == EWOULDBLOCK {
                // Somebody holds it by a lease (fcntl(2)): it cannot be opened, and has to get to the disk all the same.
                try root.syncFileSystem()
            } catch  where error.code == EACCES && !mayRead(name) {}
        }
    }

    /// Its owner may have forbidden it meanwhile.
    private func mayRead(_ name: FileName) -> Bool {
        name.withCString { faccessat(root.raw, $0, R_OK, AT_EACCESS) } == 0
    }

    /// So many are synced with all else on their file system: each by itself would be dearer.
    private static let manyOutputs = 8

    private func stage(_ json: JSON, _ mode: UInt32) throws(SpoolError) -> OpenFile {
        let scratch = newTemporaryName()
        let file = OpenFile(scratch, try openForAll(scratch, in: temporary, O_WRONLY, mode))
        do throws(SpoolError) {
            try file.file.write(json.indented)
        } catch {
            discard(file.name)
            throw error
        }
        return file
    }

    /// What could not be removed now is removed at the next start.
    private func discard(_ name: FileName?) {
        guard let name else { return }
        do { try temporary.remove(name) } catch {}
    }
}
