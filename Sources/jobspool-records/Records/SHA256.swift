/// SHA-256 (FIPS 180-4).
import Glibc

enum SHA256 {
    /// Bytes of a hash.
    static let size = 32

    static func hash(_ message: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: size)
        message.withUnsafeBufferPointer { message in
            output.withUnsafeMutableBytes { hash(UnsafeRawBufferPointer(message), into: $0.baseAddress!) }
        }
        return output
    }

    /// The first bytes of the hash, in hexadecimal.
    static func hex(_ message: [UInt8], bytes: Int) -> String {
        hash(message).prefix(bytes).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// - Parameter output: room for `size` bytes.
    static func hash(_ message: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 8 + 64) { words in
            let state = words.baseAddress!
            state.update(from: initial, count: 8)
            let whole = message.count / 64 * 64
            if let base = message.baseAddress {
                for block in stride(from: 0, to: whole, by: 64) { compress(base + block, state, state + 8) }
            }
            finish(UnsafeRawBufferPointer(rebasing: message[whole...]), bits: UInt64(message.count) * 8, state)
            for index in 0..<8 {
                output.storeBytes(of: state[index].bigEndian, toByteOffset: 4 * index, as: UInt32.self)
            }
        }
    }

    /// The last block, or two: what is left of the message, a bit, zeros, and the message's length.
    private static func finish(_ rest: UnsafeRawBufferPointer, bits: UInt64, _ state: UnsafeMutablePointer<UInt32>) {
        withUnsafeTemporaryAllocation(byteCount: 128, alignment: 8) { padded in
            let base = padded.baseAddress!
            memset(base, 0, 128)
            if let start = rest.baseAddress { memcpy(base, start, rest.count) }
            base.storeBytes(of: 0x80, toByteOffset: rest.count, as: UInt8.self)
            let size = rest.count < 56 ? 64 : 128
            base.storeBytes(of: bits.bigEndian, toByteOffset: size - 8, as: UInt64.self)
            for block in stride(from: 0, to: size, by: 64) { compress(base + block, state, state + 8) }
        }
    }

    /// - Parameter schedule: room for 64 words.
    @inline(never)
    private static func compress(
        _ block: UnsafeRawPointer, _ state: UnsafeMutablePointer<UInt32>, _ schedule: UnsafeMutablePointer<UInt32>
    ) {
        let constants = constants
        for index in 0..<16 {
            schedule[index] = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: 4 &* index, as: UInt32.self))
        }
        for index in 16..<64 {
            let (a, b) = (schedule[index &- 15], schedule[index &- 2])
            let s0 = rotate(a, 7) ^ rotate(a, 18) ^ a &>> 3
            let s1 = rotate(b, 17) ^ rotate(b, 19) ^ b &>> 10
            schedule[index] = schedule[index &- 16] &+ s0 &+ schedule[index &- 7] &+ s1
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        // The eight words change places with each round; written out, they stay where they are.
        var at = 0
        while at < 64 {
            let (k, w) = (constants + at, schedule + at)
            round(a, b, c, &d, e, f, g, &h, k[0] &+ w[0])
            round(h, a, b, &c, d, e, f, &g, k[1] &+ w[1])
            round(g, h, a, &b, c, d, e, &f, k[2] &+ w[2])
            round(f, g, h, &a, b, c, d, &e, k[3] &+ w[3])
            round(e, f, g, &h, a, b, c, &d, k[4] &+ w[4])
            round(d, e, f, &g, h, a, b, &c, k[5] &+ w[5])
            round(c, d, e, &f, g, h, a, &b, k[6] &+ w[6])
            round(b, c, d, &e, f, g, h, &a, k[7] &+ w[7])
            at &+= 8
        }
        state[0] &+= a
        state[1] &+= b
        state[2] &+= c
        state[3] &+= d
        state[4] &+= e
        state[5] &+= f
        state[6] &+= g
        state[7] &+= h
    }

    @inline(__always)
    private static func round(
        _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32, _ e: UInt32, _ f: UInt32, _ g: UInt32,
        _ h: inout UInt32, _ word: UInt32
    ) {
        let s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
        let t1 = h &+ s1 &+ (g ^ (e & (f ^ g))) &+ word
        let s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
        d &+= t1
        h = t1 &+ s0 &+ ((a & b) | (c & (a | b)))
    }

    @inline(__always)
    private static func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 { word &>> count | word &<< (32 &- count) }

    /// Words that are there as long as the process is.
    private static func permanent(_ words: [UInt32]) -> UnsafePointer<UInt32> {
        let memory = UnsafeMutablePointer<UInt32>.allocate(capacity: words.count)
        memory.initialize(from: words, count: words.count)
        return UnsafePointer(memory)
    }

    // Written once, before anybody sees them.
    nonisolated(unsafe) private static let initial = permanent([
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ])

    nonisolated(unsafe) private static let constants = permanent([
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ])
}
