/// Gives something broken inputs for a while. A trap in Swift ends the process, so the input is put into a file first, which is in memory
/// and outlives it: `jobspool-fuzz-NAME` in the temporary directory. What it held becomes a file in Tests/Fixtures/fuzz/NAME, which is tried
/// first from then on. Those whose names end in `.read` have to be read, those in `.refused` must not be.
///
/// `JOBSPOOL_FUZZ_SECONDS` is how long for each kind of input (0.7 unless it says otherwise), `JOBSPOOL_FUZZ_SEED` the seed to repeat.
import Foundation
import Glibc
import Testing

enum Fuzzing {
    static let seconds = ProcessInfo.processInfo.environment["JOBSPOOL_FUZZ_SECONDS"].flatMap { Double($0) } ?? 0.7
    static let seed =
        ProcessInfo.processInfo.environment["JOBSPOOL_FUZZ_SEED"].flatMap { UInt64($0) }
        ?? UInt64.random(in: 0...99_999_999)
    /// What a single input may take, on a machine that has other work.
    static let patience = 5.0

    static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures")

    /// The frozen spool's files whose names end so.
    static func spool(_ suffix: String) throws -> [String] {
        let directory = fixtures.appending(path: "spool-v1")
        return try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
            .filter { $0.hasSuffix(suffix) }
            .map { String(decoding: try Data(contentsOf: directory.appending(path: $0)), as: UTF8.self) }
    }

    static func lines(_ suffix: String) throws -> [String] {
        try spool(suffix).flatMap { $0.split(separator: "\n").map { String($0) } }
    }

    /// Breaks what is decoded. What daemons wrote (`own`) has to be read.
    static func run(
        _ check: DecodingCheck, _ name: String, own: [String] = [], corpus: [String] = [], words: [String] = []
    ) throws {
        for text in own { #expect(check.reads(Array(text.utf8)), "a daemon wrote this \(name): \(text)") }
        try run(name, corpus: own + corpus, words: words, reads: check.reads, check.problem)
    }

    /// Calls `check` with inputs; what it says is wrong with one is a failure.
    /// - Parameter reads: whether an input is read at all; asked of saved ones whose names say so
    static func run(
        _ name: String, corpus: [String], words: [String] = [], reads: ([UInt8]) -> Bool = { _ in true },
        _ check: ([UInt8]) throws -> String?
    ) throws {
        print("fuzzing \(name): JOBSPOOL_FUZZ_SEED=\(seed)")
        let record = try InputRecord(name)
        func attempt(_ input: [UInt8], _ what: String) throws {
            record.keep(input)
            let began = DispatchTime.now().uptimeNanoseconds
            let problem = try check(input)
            let took = Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
            let slow = took > patience ? "it took \(took) s" : nil
            if let wrong = problem ?? slow {
                Issue.record(
                    "\(name), \(what): \(wrong): \(String(decoding: input.prefix(500), as: UTF8.self).debugDescription)"
                )
            }
        }
        let found = fixtures.appending(path: "fuzz/\(name)")
        if FileManager.default.fileExists(atPath: found.path) {
            for file in try FileManager.default.contentsOfDirectory(atPath: found.path).sorted() {
                let input = Array(try Data(contentsOf: found.appending(path: file)))
                try attempt(input, file)
                if file.hasSuffix(".read") { #expect(reads(input), "\(name)/\(file)") }
                if file.hasSuffix(".refused") { #expect(!reads(input), "\(name)/\(file)") }
            }
        }
        for input in corpus { try attempt(Array(input.utf8), "as it is") }
        var mutator = Mutator(corpus: corpus, words: words, seed: seed)
        let deadline = DispatchTime.now().uptimeNanoseconds + UInt64(seconds * 1e9)
        var count = 0
        while DispatchTime.now().uptimeNanoseconds < deadline {
            count += 1
            try attempt(mutator.next(), "input \(count) of seed \(seed)")
        }
        print("fuzzing \(name): \(count) inputs")
        record.remove()
    }
}

/// The input in hand, in a file that is mapped.
final class InputRecord {
    private static let capacity = 1 << 16
    private let path: String
    private let descriptor: Int32
    private let memory: UnsafeMutableRawPointer

    init(_ name: String) throws {
        path = NSTemporaryDirectory() + "jobspool-fuzz-\(name)"
        descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0 && ftruncate(descriptor, off_t(Self.capacity)) == 0, "\(path)")
        let mapped = mmap(nil, Self.capacity, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        memory = try #require(mapped)
        try #require(memory != MAP_FAILED)
    }

    deinit {
        munmap(memory, Self.capacity)
        close(descriptor)
    }

    /// Its length in decimal digits and a line break, then the bytes.
    func keep(_ input: [UInt8]) {
        let bytes = Array("\(input.count)\n".utf8) + input
        memory.copyMemory(from: bytes, byteCount: min(bytes.count, Self.capacity))
    }

    func remove() { unlink(path) }
}
