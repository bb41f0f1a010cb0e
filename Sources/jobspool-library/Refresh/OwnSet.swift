/// The documents that a refresh begins with: files, IRIs, and every file of linked data in a directory.
import Glibc
import JSONText
import JobHandler

struct OwnSet {
    let places: DocumentPlaces
    /// Something in a directory that cannot be looked at.
    let failed: (ItemError) throws -> Void
    let checkStopping: () throws -> Void

    /// - Throws: `JobFailure` for a root that leads to no document.
    func documents(_ roots: [String]) throws -> [DocumentPlaces.Place] {
        try roots.flatMap { root in
            let place: DocumentPlaces.Place
            if root.utf8.first == UInt8(ascii: "/") {
                let name = root.split(separator: "/").last.map(String.init)
                place = places.place(ofFile: root, name: name)
            } else if let found = places.place(of: root) {
                place = found
            } else {
                throw JobFailure.invalidParams(
                    field: "params.roots", "`params.roots` has \(root.printable(limit: 80)), which leads to no document"
                )
            }
            guard place.location.utf8.first == UInt8(ascii: "/"),
                FileStatus.found(place.location)?.isDirectory ?? false
            else { return [place] }
            return try files(in: place.location)
        }
    }

    /// Hidden files and directories are left out, as are files that do not end as linked data does.
    private func files(in directory: String) throws -> [DocumentPlaces.Place] {
        var found: [DocumentPlaces.Place] = []
        let prefix = directory.utf8.last == UInt8(ascii: "/") ? directory : directory + "/"
        let root = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
        try DirectoryWalk(
            root: root,
            file: { path, _ in
                guard
                    DocumentFormat.suffixes.contains(where: {
                        path.utf8.count > $0.utf8.count && path.endsWithBytes($0)
                    }),
                    !path.utf8.split(separator: UInt8(ascii: "/")).contains(where: { $0.first == UInt8(ascii: ".") })
                else { return }
                found.append(places.place(ofFile: prefix + path, name: path))
            }, failed: failed, refused: { try failed(.nameRefused($0)) }, checkStopping: checkStopping
        ).run()
        return found
    }
}
