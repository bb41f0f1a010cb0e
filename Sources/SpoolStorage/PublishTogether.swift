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
    /// - Returns: for each what went wrong with it; nil: it is on the disk.
    package func publishTogether(_ outputs: [(json: JSON, file: SpoolFile)]) -> [SpoolError?] {
        var errors = [SpoolError?](repeating: nil, count: outputs.count)
        var staged = [OpenFile?](repeating: nil, count: outputs.count)
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
            staged[index] = try stage(outputs[index].json)
        }
        if outputs.count > 1 { for case let file? in staged { linux_start_writing(file.file.raw) } }
        forEach { (index) throws(SpoolError) in try staged[index]?.file.syncData() }
        forEach { (index) throws(SpoolError) in
            guard let file = staged[index] else { return }
            try place(file.name, in: root, Self.file(outputs[index].file))
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

    /// Waits until files that are in the spool already are on the disk, and their names with them. What has gone meanwhile, or has
    /// become something else, is passed over.
    package func syncTogether(_ files: [SpoolFile]) throws(SpoolError) {
        var opened: [OpenFile] = []
        for file in files {
            let name = Self.file(file)
            guard try root.stat(name)?.kind == .file else { continue }
            do {
                opened.append(OpenFile(name, try root.open(name, O_RDONLY)))
            } catch  where [ENOENT, ELOOP, ENXIO, EACCES].contains(error.code) {}
        }
        for file in opened { linux_start_writing(file.file.raw) }
        for file in opened { try file.file.syncData() }
        try root.sync()
    }

    private func stage(_ json: JSON) throws(SpoolError) -> OpenFile {
        let scratch = newTemporaryName()
        let file = OpenFile(scratch, try openForAll(scratch, O_WRONLY))
        do throws(SpoolError) {
            try file.file.write(json.indented)
        } catch {
            discard(file)
            throw error
        }
        return file
    }

    /// What could not be removed now is removed at the next start.
    private func discard(_ file: OpenFile?) {
        guard let file else { return }
        do { try temporary.remove(file.name) } catch {}
    }
}
