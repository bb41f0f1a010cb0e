/// A dictionary by names for a hundred thousand elements: they lie side by side, without gaps for those to come, and the index to
/// them takes 4 bytes a place. (A `Dictionary` keeps its elements in a table of which up to two thirds are empty.)
///
/// The index is open addressing with linear probing: Knuth, The Art of Computer Programming 3, 6.4, algorithms L and R.
import SpoolProtocol

/// What has a name that does not change.
protocol Named {
    var name: JobName { get }
}

struct NameTable<Element: Named> {
    /// In the order in which they came, where none has left.
    private var elements: [Element?] = []
    /// The places in `elements` that are free.
    private var free: [UInt32] = []
    /// A power of two of places in `elements`, each plus one; 0 where there is none.
    private var index: [UInt32] = []

    var count: Int { elements.count - free.count }

    /// All of them, in no order.
    var all: some Sequence<Element> { elements.lazy.compactMap(\.self) }

    var names: some Sequence<JobName> { elements.lazy.compactMap { $0?.name } }

    subscript(_ name: JobName) -> Element? {
        guard let place = find(name) else { return nil }
        return elements[Int(index[place]) - 1]
    }

    /// Adds an element, or has it take the place of the one of its name.
    mutating func put(_ element: Element) {
        if let place = find(element.name) {
            elements[Int(index[place]) - 1] = element
            return
        }
        // A quarter at least is empty: searches stay short, and end.
        if (count + 1) * 4 > index.count * 3 { makeIndex(atLeast: (count + 1) * 2) }
        let number: UInt32
        if let last = free.popLast() {
            number = last
            elements[Int(last)] = element
        } else {
            number = UInt32(elements.count)
            elements.append(element)
        }
        enter(number, element.name)
    }

    /// Changes the element of a name, or adds one.
    mutating func change(_ name: JobName, _ initial: @autoclosure () -> Element, _ change: (inout Element) -> Void) {
        var element = self[name] ?? initial()
        change(&element)
        put(element)
    }

    @discardableResult
    mutating func remove(_ name: JobName) -> Element? {
        guard let place = find(name) else { return nil }
        let number = index[place] - 1
        close(place)
        let element = elements[Int(number)]
        elements[Int(number)] = nil
        free.append(number)
        if count * 4 < elements.count, elements.count > Self.fewest { compact() }
        return element
    }

    // MARK: The index

    /// Below so many elements room is not worth saving.
    private static var fewest: Int { 64 }

    private var mask: Int { index.count - 1 }

    private func home(of name: JobName) -> Int { name.hashValue & mask }

    /// The place in the index that leads to an element.
    private func find(_ name: JobName) -> Int? {
        guard !index.isEmpty else { return nil }
        var place = home(of: name)
        while index[place] != 0 {
            if elements[Int(index[place]) - 1]?.name == name { return place }
            place = (place + 1) & mask
        }
        return nil
    }

    private mutating func enter(_ number: UInt32, _ name: JobName) {
        var place = home(of: name)
        while index[place] != 0 { place = (place + 1) & mask }
        index[place] = number + 1
    }

    /// Empties a place: what would not be found any more moves up.
    private mutating func close(_ place: Int) {
        var gap = place
        var next = (gap + 1) & mask
        while index[next] != 0 {
            if let name = elements[Int(index[next]) - 1]?.name, (next - home(of: name)) & mask >= (next - gap) & mask {
                index[gap] = index[next]
                gap = next
            }
            next = (next + 1) & mask
        }
        index[gap] = 0
    }

    private mutating func makeIndex(atLeast least: Int) {
        var size = 8
        while size < least { size *= 2 }
        index = [UInt32](repeating: 0, count: size)
        for (number, element) in elements.enumerated() {
            if let element { enter(UInt32(number), element.name) }
        }
    }

    /// Gives back the room of those that have left.
    private mutating func compact() {
        elements = elements.compactMap(\.self).map(Optional.some)
        free = []
        makeIndex(atLeast: (count + 1) * 2)
    }
}
