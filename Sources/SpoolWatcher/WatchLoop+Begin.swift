/// How a watch begins, at the start and after each replacement of the directory: choose how to listen, watch first, and
/// tell to scan second. What cannot be watched is polled, and where the reason may pass inotify is tried again.
import SpoolProtocol

extension WatchLoop {
    func begin(_ reason: WakeUp.Reason) -> Phase {
        guard let directory = DirectoryIdentity(path: path) else { return .waiting(reason) }
        switch approach() {
        case .poll(let because): return poll(directory, reason, because: because, nextTry: .now + .seconds(1 << 40))
        case .listen(let isCertain): return listen(directory, reason, isCertain: isCertain)
        }
    }

    private enum Approach {
        case poll(because: String)
        case listen(isCertain: Bool)
    }

    private func approach() -> Approach {
        switch options.forcedMode {
        case .polling: return .poll(because: "polling was asked for")
        case .inotify: return .listen(isCertain: true)
        case nil: break
        }
        switch seams.fileSystem(path) {
        case .shared(let type): return .poll(because: "\(type): inotify does not see changes made by other hosts")
        case .local: return .listen(isCertain: true)
        case .unknown: return .listen(isCertain: false)
        }
    }

    private func listen(_ directory: DirectoryIdentity, _ reason: WakeUp.Reason, isCertain: Bool) -> Phase {
        do throws(SourceError) {
            try source.open(directory: path, wakeFile: watch.alarm.path)
        } catch {
            guard isStill(directory) else { return .waiting(reason) }
            return poll(directory, reason, because: "\(error)", nextTry: clock.now + options.rescanInterval)
        }
        // Was it this directory that the watch was put on?
        guard isStill(directory) else {
            source.close()
            return .waiting(reason)
        }
        watch.hints.put(.rescan(reason))
        if !isCertain {
            switch tryCanary() {
            case .heard: break
            case .interrupted:
                source.close()
                return .waiting(.replaced)
            case .silent(let because):
                source.close()
                return poll(directory, reason, because: because, nextTry: clock.now + options.rescanInterval)
            }
        }
        watch.listening = .inotify
        return .watching(
            Watching(
                directory: directory, nextRescan: clock.now + options.rescanInterval, suspectUntil: clock.now,
                gathered: clock.now))
    }

    private func poll(
        _ directory: DirectoryIdentity, _ reason: WakeUp.Reason, because: String, nextTry: ContinuousClock.Instant
    ) -> Phase {
        watch.listening = .polling(reason: because)
        watch.hints.put(.rescan(reason))
        return .polling(directory, nextTry: nextTry)
    }

    private enum CanaryOutcome {
        case heard
        case silent(because: String)
        case interrupted
    }

    private func tryCanary() -> CanaryOutcome {
        let canary = Canary(directory: path)
        do throws(SourceError) { try canary.sing() } catch { return .silent(because: "\(error)") }
        let deadline = clock.now + options.canaryDeadline
        while clock.now < deadline, !watch.alarm.isRinging {
            switch source.next(seconds: (deadline - clock.now).roundedUp(to: .seconds(1))) {
            case .entry(canary.name): return .heard
            case .entry(let name): hint(name)
            case .nothing, .subdirectoryDeleted: continue
            case .moved, .gone, .overflow, .failed: return .interrupted
            }
        }
        return .silent(because: "inotify did not report a file made here: this file system has no events")
    }
}
