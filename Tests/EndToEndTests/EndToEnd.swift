/// Tests that start the real daemon and look at it from outside: one at a time, for several await things in real time.
import Testing

@Suite("End to end", .serialized)
enum EndToEnd {}
