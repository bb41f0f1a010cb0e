/// A request that somebody drops, touches or writes in the very moment in which its finished family is archived.
import Foundation
import Glibc
import SpoolProtocol
import SpoolStorage
import Synchronization
import Testing

@Suite("A request that changes while its family is archived", .timeLimit(.minutes(5)))
struct ArchiveNewsTests {
    init() { signal(SIGIO, SIG_IGN) }

    static let second = "{\"type\": \"second\"}"
    static let third = "{\"type\": \"third, longer\"}"

    static func drop(_ text: String, in path: String) {
        let scratch = "\(path)/.219.\(text.utf8.count).tmp"
        let file = open(scratch, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        write(file, text, text.utf8.count)
        close(file)
        rename(scratch, "\(path)/219.json")
    }

    /// The new version is in its place and runs; the old family is whole, with its request if that was not replaced.
    func check(_ family: FinishedFamily, _ text: String, _ context: String) throws {
        #expect(family.temporary.read("219.json") == text, "\(context)")
        #expect(try family.isRunnable, "\(context)")
        let hasOldRequest = family.files(in: family.archived).contains("219.json")
        try family.checkIsWhole(withRequest: hasOldRequest, context)
        #expect(family.temporary.read("\(family.archived)/219.json") != text, "\(context)")
        try family.checkNothingIsLeft(context)
    }

    @Test("is never taken for the old one, whenever it is dropped, nor lost when the archiver then dies")
    func dropped() throws {
        for moment in 1... {
            var wasReached = false
            for death in [0] + Array(moment...(moment + 14)) {
                let temporary = try TemporarySpool()
                let family = try FinishedFamily(temporary)
                let path = temporary.path
                let calls = Atomic(0)
                let isOn = Atomic(false)
                let spool = try temporary.spool(
                    SystemCalls { _, _ in
                        guard isOn.load(ordering: .relaxed) else { return nil }
                        let call = calls.add(1, ordering: .relaxed).newValue
                        if call == moment { Self.drop(Self.second, in: path) }
                        return death > 0 && call >= death ? EIO : nil
                    })
                isOn.store(true, ordering: .relaxed)
                do { _ = try spool.archive(family.name, cutoff: .latest, .bystander) } catch {}
                isOn.store(false, ordering: .relaxed)
                wasReached = calls.load(ordering: .relaxed) >= moment
                guard wasReached else { break }
                let context = "dropped at \(moment), died at \(death)"
                try temporary.spool().completeArchiving()
                try check(family, Self.second, context)
            }
            guard wasReached else {
                #expect(moment > 30)
                return
            }
        }
    }

    @Test("in nothing but its time runs again, whenever that is")
    func touched() throws {
        for moment in 1... {
            let temporary = try TemporarySpool()
            let family = try FinishedFamily(temporary)
            let path = "\(temporary.path)/219.json"
            let calls = Atomic(0)
            let touched = Atomic(false)
            let spool = try temporary.spool(
                SystemCalls { _, _ in
                    if calls.add(1, ordering: .relaxed).newValue == moment {
                        touched.store(utimensat(AT_FDCWD, path, nil, 0) == 0, ordering: .relaxed)
                    }
                    return nil
                })
            _ = try spool.archive(family.name, cutoff: .latest, .bystander)
            if touched.load(ordering: .relaxed) {
                #expect(try family.isRunnable, "touched at \(moment)")
                try family.checkIsWhole(withRequest: false, "touched at \(moment)")
            } else {
                #expect(try family.checkIsWhole("too late at \(moment)"))
            }
            if calls.load(ordering: .relaxed) < moment { break }
        }
    }

    @Test("by a writer who opened it before is waited for, whenever he writes")
    func writers() throws {
        var stayed = 0
        for opened in 1... {
            var wasReached = false
            for written in [0, 1, 2, 3, 5, 8, 13, 21].map({ opened + $0 }) {
                let temporary = try TemporarySpool()
                let family = try FinishedFamily(temporary)
                let path = "\(temporary.path)/219.json"
                let calls = Atomic(0)
                let file = Atomic<Int32>(-1)
                @Sendable func write(_ call: Int) {
                    if call == opened { file.store(open(path, O_WRONLY | O_CLOEXEC), ordering: .relaxed) }
                    let descriptor = file.load(ordering: .relaxed)
                    guard call == written, descriptor >= 0 else { return }
                    pwrite(descriptor, Self.third, Self.third.utf8.count, 0)
                    ftruncate(descriptor, off_t(Self.third.utf8.count))
                    close(descriptor)
                }
                let spool = try temporary.spool(
                    SystemCalls { _, _ in
                        write(calls.add(1, ordering: .relaxed).newValue)
                        return nil
                    })
                let outcome = try spool.archive(family.name, cutoff: .latest, .bystander)
                let last = calls.load(ordering: .relaxed)
                wasReached = last >= opened
                if case .inUse = outcome { stayed += 1 }
                if last < written { write(written) }
                guard file.load(ordering: .relaxed) >= 0 else { break }
                #expect(temporary.read("219.json") == Self.third, "opened at \(opened), written at \(written)")
                #expect(try family.isRunnable, "opened at \(opened), written at \(written)")
                try family.checkIsWhole(withRequest: false, "opened at \(opened), written at \(written)")
                try family.checkNothingIsLeft("opened at \(opened), written at \(written)")
            }
            if !wasReached { break }
        }
        #expect(stayed > 0)
    }

    @Test("by a descriptor, when it is out of reach by name, goes back, also when the archiver then dies")
    func touchedByDescriptor() throws {
        for death in 0... {
            let temporary = try TemporarySpool()
            let family = try FinishedFamily(temporary)
            // No lease tells of one who only reads; but he may set the time.
            let file = open("\(temporary.path)/219.json", O_RDONLY | O_CLOEXEC)
            defer { close(file) }
            let callsAfter = Atomic(-1)
            let spool = try temporary.spool(
                SystemCalls { operation, path in
                    if operation == .rename, path.contains("219.result.json") {
                        futimens(file, nil)
                        callsAfter.store(0, ordering: .relaxed)
                    }
                    guard callsAfter.load(ordering: .relaxed) >= 0 else { return nil }
                    return callsAfter.add(1, ordering: .relaxed).newValue > death && death > 0 ? EIO : nil
                })
            do { _ = try spool.archive(family.name, cutoff: .latest, .bystander) } catch {}
            let isPastTheEnd = callsAfter.load(ordering: .relaxed) <= death
            callsAfter.store(-1, ordering: .relaxed)
            try temporary.spool().completeArchiving()
            #expect(try family.isRunnable, "died \(death) calls later")
            try family.checkIsWhole(withRequest: false, "died \(death) calls later")
            try family.checkNothingIsLeft("died \(death) calls later")
            if isPastTheEnd, death > 0 {
                #expect(death > 10)
                break
            }
        }
    }

    @Test("twice runs as the last version; one that was in the way is kept aside")
    func droppedTwice() throws {
        var aside = 0
        for first in 1...75 {
            for second in first...(first + 4) {
                let temporary = try TemporarySpool()
                let family = try FinishedFamily(temporary)
                let path = temporary.path
                let calls = Atomic(0)
                let spool = try temporary.spool(
                    SystemCalls { _, _ in
                        let call = calls.add(1, ordering: .relaxed).newValue
                        if call == first { Self.drop(Self.second, in: path) }
                        if call == second { Self.drop(Self.third, in: path) }
                        return nil
                    })
                _ = try spool.archive(family.name, cutoff: .latest, .bystander)
                guard calls.load(ordering: .relaxed) >= second else { break }
                try check(family, Self.third, "dropped at \(first) and \(second)")
                let notices = spool.takeNotices()
                aside += notices.count
                if let notice = notices.first { #expect(notice.contains("219.json was dropped twice")) }
            }
        }
        #expect(aside > 0)
    }
}
