/// The way to a document's bytes. Errors are those of the document in hand, never of the job.
import Glibc
import JobHandler

protocol DocumentFetcher: Sendable {
    /// - Throws: `ItemError`, with the document's IRI.
    func fetch(_ place: DocumentPlaces.Place) async throws(ItemError) -> [UInt8]
}

/// Reads local files, and says of the others that it cannot.
struct FileFetcher: DocumentFetcher {
    /// Bytes of a document at the most.
    static let maximumSize = 64 << 20

    func fetch(_ place: DocumentPlaces.Place) async throws(ItemError) -> [UInt8] {
        guard place.location.utf8.first == UInt8(ascii: "/") else {
            throw ItemError(
                item: IRI(place.iri).shown, code: "UNREACHABLE",
                message: place.location.isEmpty
                    ? "\(IRI(place.iri).shown) is no name of a file"
                    : "\(IRI(place.iri).shown) is on the Web, which is not read: name a directory for it in `base`",
                retryable: false)
        }
        do {
            let file = try Descriptor.open(place.location, O_RDONLY | O_NONBLOCK)
            return try file.readAll(limit: Self.maximumSize, place.location)
        } catch {
            throw ItemError(error, item: place.iri)
        }
    }
}
