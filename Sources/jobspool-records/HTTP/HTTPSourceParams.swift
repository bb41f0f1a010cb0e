/// A source that is an HTTP JSON API.
import JSONText
import JobHandler

struct HTTPSourceParams: Sendable {
    let address: WebAddress
    let connection: HTTPConnectionParams
    /// The keys that lead to the array of records; empty when the body is the array.
    let array: [String]
    let paging: Paging
    let isPagingGiven: Bool
    /// Incremental: the parameter of the query that takes the bookmark.
    let sinceParameter: String?

    init(_ members: inout JSONFields) throws {
        address = try HTTPConnectionParams.address("http", &members)
        connection = try HTTPConnectionParams(&members, limit: "max_page_bytes", default: 64 << 20)
        array = try Paging.keys("array", &members) ?? []
        isPagingGiven = members.object["paging"] != nil
        paging = try members.value("paging").map { try Paging($0, of: members) } ?? .none
        sinceParameter = try members.string("since_param")
    }

    /// What messages call it: no credentials, and no values of the query.
    var name: String { address.name }

    /// What its name leaves out.
    var unnamed: String? { array.isEmpty ? nil : array.joined(separator: "\0") }

    /// Parameters of the query whose values may be shown.
    var shown: [String] {
        switch paging.style {
        case .page, .skip: [paging.parameter, paging.limitParameter].map(WebAddress.encoded)
        case .cursor, .none, .link, .next: []
        }
    }
}
