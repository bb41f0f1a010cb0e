/// Where a page is.
import JobHandler

extension Paging {
    /// - Parameter base: the address as the params give it, with the bookmark.
    func address(of mark: PageMark, _ base: WebAddress) throws(JobFailure) -> WebAddress {
        let address = limit.map { base.setting(limitParameter, to: "\($0)") } ?? base
        switch mark {
        case .first:
            switch style {
            case .page: return address.setting(parameter, to: "\(first)")
            case .skip: return address.setting(parameter, to: "0")
            case .none, .cursor, .link, .next: return address
            }
        case .page(let number): return address.setting(parameter, to: "\(number)")
        case .skip(let records): return address.setting(parameter, to: "\(records)")
        case .cursor(let cursor): return address.setting(parameter, to: cursor)
        case .address(let text):
            guard let next = WebAddress(text) else {
                throw JobFailure("NEXT_PAGE_INVALID", "\(base.name): the next page has no address of the web")
            }
            return next
        }
    }
}
