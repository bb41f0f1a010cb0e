/// The table of jobs beside a dictionary that goes through the same.
import SpoolProtocol
import TestSupport
import Testing

@testable import JobRunner

@Suite("A table of names")
struct NameTableTests {
    private struct Entry: Named, Equatable {
        let name: JobName
        var value: UInt64
    }

    @Test("has what a dictionary has, whatever comes and goes", arguments: 0..<8 as Range<UInt64>)
    func likeADictionary(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var table = NameTable<Entry>()
        var dictionary: [JobName: UInt64] = [:]
        // It grows and shrinks, so that gaps are made, used again and closed.
        for phase in 0..<6 {
            let share: UInt64 = phase % 2 == 0 ? 80 : 15
            for _ in 0..<1500 {
                let name = try JobName("job \(UInt64.random(in: 0..<700, using: &random))")
                if UInt64.random(in: 0..<100, using: &random) < share {
                    let value = random.next()
                    table.put(Entry(name: name, value: value))
                    dictionary[name] = value
                } else {
                    let removed = table.remove(name)
                    #expect(removed?.value == dictionary.removeValue(forKey: name))
                }
                #expect(table.count == dictionary.count)
                #expect(table[name]?.value == dictionary[name])
            }
            let all = Dictionary(uniqueKeysWithValues: table.all.map { ($0.name, $0.value) })
            #expect(all == dictionary)
            #expect(Set(table.names) == Set(dictionary.keys))
            for number in 0..<700 {
                let name = try JobName("job \(number)")
                #expect(table[name]?.value == dictionary[name])
            }
        }
        for name in Array(dictionary.keys) { table.remove(name) }
        #expect(table.count == 0)
        #expect(Array(table.all) == [])
    }

    @Test("changes what is there, and adds what is not") func change() throws {
        var table = NameTable<Entry>()
        for _ in 0..<3 { table.change("a", Entry(name: "a", value: 10)) { $0.value += 1 } }
        #expect(Array(table.all) == [Entry(name: "a", value: 13)])
    }
}
