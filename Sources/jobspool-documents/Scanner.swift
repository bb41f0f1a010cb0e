/// Reads both trees side by side, directory by directory, and writes the plan. Changes nothing.
///
/// An item that cannot be looked at is an item error, and bars all deletions: a source of which a part cannot be read
/// looks just like one of which a part was deleted.
import Glibc
import JobHandler

final class Scanner {
    let params: SyncParams
    let job: Job
    let tally: Tally
    var plan = Plan()
    /// Where the scan is, from the root.
    var path: [UInt8] = []
    var frames: [ScanFrame] = []
    /// Above 0 while the scan is below a directory in whose place the target has a document.
    var replacing = 0

    init(_ params: SyncParams, _ job: Job, _ tally: Tally) {
        self.params = params
        self.job = job
        self.tally = tally
    }

    /// - Parameters:
    ///   - target: nil when the target does not have `params.path`.
    ///   - missing: how many of the directories on the way to it the target does not have, the root not counted.
    func scan(_ source: Descriptor, _ target: Descriptor?, missing: Int) throws {
        let components = params.path.components
        frames.append(ScanFrame(pathLength: 0, isNew: false))
        for (index, component) in components.enumerated() {
            append(component)
            frames.append(ScanFrame(pathLength: path.count, isNew: index >= components.count - missing))
        }
        let isSelected = params.filter.verdict(onDirectory: params.path) == .selected
        if isSelected { manage() }
        let differs = try target.map {
            try !Self.isEqual(FileStatus(of: source, "source"), FileStatus(of: $0, "target"))
        }
        try merge(source, target, isSelected: isSelected)
        leaveFolder(differs: differs ?? true)
        // Directories above `path` are none of this job's business unless it makes them.
        while let frame = frames.last { leaveFolder(isOurs: frame.isNew) }
    }

    func merge(_ source: Descriptor, _ target: Descriptor?, isSelected: Bool) throws {
        try job.checkStopping()
        tally.scanning(path, found: plan.documents)
        let names: Listing
        let others: Listing
        let aliases: Aliases
        do throws(SystemCallError) {
            names = try Listing(of: source, display(path))
            others =
                if let target { try Listing(of: target, targetPath) } else { Listing() }
            aliases = if let target { try Aliases(names, others, in: target, targetPath) } else { Aliases() }
        } catch {
            return try fail(error)
        }
        var other = 0
        for index in 0..<names.count {
            var order: Int32 = -1
            while other < others.count {
                order = names.compare(index, with: others, other)
                if order <= 0 { break }
                if !aliases.isInSource(other) { try others.withName(other) { try visitExtra($0, target!, isSelected) } }
                other += 1
                order = -1
            }
            let finding = order == 0 ? .listed : aliases[index]
            try names.withName(index) { try visit($0, source, finding.map { ($0, target!) }, isSelected) }
            if order == 0 { other += 1 }
        }
        while other < others.count {
            if !aliases.isInSource(other) { try others.withName(other) { try visitExtra($0, target!, isSelected) } }
            other += 1
        }
    }

    // MARK: Where the scan is

    var targetPath: String { "\(params.target)/\(display(path))" }

    func append(_ name: some Collection<UInt8>) {
        if !path.isEmpty { path.append(UInt8(ascii: "/")) }
        path.append(contentsOf: name)
    }

    func append(_ name: UnsafePointer<CChar>) {
        let length = strlen(name)
        name.withMemoryRebound(to: UInt8.self, capacity: length) {
            append(UnsafeBufferPointer(start: $0, count: length))
        }
    }

    /// Takes the name in hand off the path.
    func removeName() { path.removeLast(path.count - (frames.last?.pathLength ?? 0)) }

    func enterFolder(isNew: Bool) { frames.append(ScanFrame(pathLength: path.count, isNew: isNew)) }

    /// A directory that changes, or is not as it is in the source, is put right when everything in it is done.
    func leaveFolder(differs: Bool = false, isOurs: Bool = true) {
        guard let frame = frames.last else { return }
        if isOurs, frame.isManaged, frame.isNew || frame.isTouched || differs {
            plan.finishing.append(folder(frames.count - 1))
        }
        frames.removeLast()
        removeName()
    }

    /// Makes sure that the directories down to here will exist. Called for everything that is selected.
    func manage() {
        guard let first = frames.firstIndex(where: { !$0.isManaged }) else { return }
        for index in first..<frames.count {
            frames[index].isManaged = true
            guard frames[index].isNew, index > 0 else { continue }
            let start = frames[index - 1].nameStart
            add(.makeFolder, path[start..<frames[index].pathLength], index - 1)
        }
    }

    // MARK: Steps

    /// Plans a step for the name in hand.
    func add(_ action: Plan.Action, size: Int64 = 0) {
        add(action, path[(frames.last?.nameStart ?? 0)...], frames.count - 1, size: size)
    }

    private func add(_ action: Plan.Action, _ name: ArraySlice<UInt8>, _ frame: Int, size: Int64 = 0) {
        let step = plan.step(action, name, in: folder(frame), size: size)
        frames[frame].isTouched = true
        if [.create, .update, .compare].contains(action) { plan.bytes = plan.bytes.plus(size) }
        switch action {
        case .delete, .deleteFolder:
            if replacing > 0 { plan.replacements.append(step) } else { plan.deletions.append(step) }
        case .makeFolder, .create, .update, .compare, .attributes:
            if replacing > 0 { plan.replacements.append(step) } else { plan.copies.append(step) }
        case .deleteLeftover: plan.copies.append(step)
        }
    }

    private func folder(_ frame: Int) -> UInt32 {
        if let folder = frames[frame].folder { return folder }
        let folder = plan.addFolder(path.prefix(frames[frame].pathLength))
        frames[frame].folder = folder
        return folder
    }

    // MARK: What cannot be scanned

    /// The name in hand could not be looked at.
    func fail(_ error: SystemCallError) throws {
        plan.scanErrors += 1
        plan.documents += 1
        try tally.fail(ItemError(error, item: display(path)))
    }

    static func isEqual(_ source: FileStatus, _ target: FileStatus) -> Bool {
        source.permissions == target.permissions && source.modified == target.modified
    }
}

/// A directory on the way from the root to where the scan is.
struct ScanFrame {
    let pathLength: Int
    /// The target does not have it.
    let isNew: Bool
    /// It is to be as it is in the source: it is selected, or something in it is.
    var isManaged = false
    /// Something in it is going to change, and with it its modification time, or its mode for the time being.
    var isTouched = false
    /// Its number in the plan, once it has one.
    var folder: UInt32?

    /// Where in the path the names begin that are in it.
    var nameStart: Int { pathLength == 0 ? 0 : pathLength + 1 }
}
