/// What is to be done, and nothing else: a document that is equal on both sides leaves no trace here, so that a plan for
/// millions of documents is as large as their changes. Names are kept in one block.
struct Plan {
    enum Action: UInt8 {
        /// A directory that the target does not have.
        case makeFolder
        /// A document that the target does not have.
        case create
        /// A document that differs, or that is copied by force.
        case update
        /// A document of the same size of which the contents decide.
        case compare
        /// A document whose contents are equal; its time or its mode is not.
        case attributes
        /// A document, or anything else that is no directory, that the source does not have.
        case delete
        /// A directory that the source does not have, after everything in it.
        case deleteFolder
        /// What an interrupted run has left.
        case deleteLeftover
    }

    struct Step {
        let action: Action
        fileprivate let nameLength: UInt16
        /// The folder that the name is in.
        let folder: UInt32
        fileprivate let nameOffset: Int
        /// In bytes, of the source's document.
        let size: Int64
    }

    private var characters: [UInt8] = []
    private var folders: [(offset: Int, length: Int)] = []

    /// In the order of the scan: a directory comes before what is in it.
    var copies: [Step] = []
    /// In the order of the scan: a directory comes after what is in it.
    var deletions: [Step] = []
    /// Documents and directories in whose place the target holds the other kind; they follow the deletions.
    var replacements: [Step] = []
    /// Directories that get their times and modes when everything else is done, the deepest first.
    var finishing: [UInt32] = []

    /// Documents in the source, and items that could not be scanned.
    var documents = 0
    /// Documents that are equal.
    var same = 0
    /// Documents in the target.
    var targetDocuments = 0
    /// Documents that would be deleted.
    var documentsToDelete = 0
    /// Bytes that are to be copied or compared.
    var bytes: Int64 = 0
    /// Documents with several hard links, each of which is copied as a file of its own.
    var hardLinks = 0
    /// FIFOs, sockets and devices in the source.
    var special = 0
    /// Names that the target spells in another way.
    var respelled = 0
    /// Items that could not be scanned. Above 0 nothing is deleted.
    var scanErrors = 0

    mutating func addFolder(_ path: ArraySlice<UInt8>) -> UInt32 {
        folders.append((characters.count, path.count))
        characters += path
        return UInt32(folders.count - 1)
    }

    mutating func step(_ action: Action, _ name: some Collection<UInt8>, in folder: UInt32, size: Int64 = 0) -> Step {
        let offset = characters.count
        characters += name
        return Step(
            action: action, nameLength: UInt16(name.count), folder: folder, nameOffset: offset, size: size)
    }

    /// The path of the folder from the root.
    func path(ofFolder folder: UInt32) -> ArraySlice<UInt8> {
        let (offset, length) = folders[Int(folder)]
        return characters[offset..<offset + length]
    }

    func name(of step: Step) -> ArraySlice<UInt8> {
        characters[step.nameOffset..<step.nameOffset + Int(step.nameLength)]
    }

    /// The path of the step's file from the root.
    func path(of step: Step) -> [UInt8] {
        let folder = path(ofFolder: step.folder)
        return folder.isEmpty ? Array(name(of: step)) : folder + [UInt8(ascii: "/")] + name(of: step)
    }
}
