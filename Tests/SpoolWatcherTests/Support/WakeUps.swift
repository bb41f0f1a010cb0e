/// The hints of a watch one after another, for a test that awaits them. The sequence ends with the watch or with the task.
import SpoolProtocol
import SpoolWatcher

struct WakeUps: AsyncSequence {
    let buffer: HintBuffer

    func makeAsyncIterator() -> Iterator { Iterator(buffer: buffer) }

    struct Iterator: AsyncIteratorProtocol {
        private let buffer: HintBuffer
        /// A ring that nobody waited for is kept, once.
        private var bell: AsyncStream<Void>.Iterator

        init(buffer: HintBuffer) {
            self.buffer = buffer
            let (bell, ringing) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            self.bell = bell.makeAsyncIterator()
            buffer.ring { ringing.yield() }
        }

        mutating func next() async -> WakeUp? {
            while !Task.isCancelled, !buffer.isFinished {
                if let hint = buffer.take() { return hint }
                guard await bell.next() != nil else { return nil }
            }
            return nil
        }
    }
}

extension Watch {
    var wakeUps: WakeUps { WakeUps(buffer: hints) }
}
