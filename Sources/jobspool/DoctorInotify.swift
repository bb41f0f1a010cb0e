/// Checks of how the daemon hears of new files: what the file system's type says about inotify, and whether its limits leave
/// room: inotify(7), proc(5).
import Glibc
import SpoolClient
import SpoolProtocol
import SpoolStorage
import SpoolWatcher

struct FileSystemCheck {
    let kind: FileSystemKind
    /// How a daemon that runs listens, and why.
    let intake: (mode: String, reason: String)?

    init(path: String, overview: SpoolOverview?) {
        kind = FileSystemKind(path: path)
        intake = overview?.intake
    }

    init(kind: FileSystemKind, intake: (mode: String, reason: String)?) {
        self.kind = kind
        self.intake = intake
    }

    var findings: [Finding] {
        let polls = intake?.mode == IntakeMode.polling.rawValue
        switch kind {
        case .shared(let type):
            return [
                .warning(
                    .fileSystem,
                    "\(type): inotify does not hear what other hosts do there, so the daemon reads the directory every second; locks are as good as the server's",
                    remedy: "if no other host drops requests, keep the spool on a disk of the daemon's own")
            ]
        case .local, .unknown:
            if polls, let reason = intake?.reason {
                return [
                    .warning(
                        .fileSystem, "the daemon reads the directory every second instead of listening: \(reason)",
                        remedy: "see the findings about inotify; without --intake polling it tries again by itself")
                ]
            }
            let what =
                kind == .local
                ? "a local file system: inotify hears of every file"
                : "a file system of unknown kind: the daemon tries whether inotify works, and reads the directory if not"
            return [.ok(.fileSystem, what)]
        }
    }
}

/// How much of what a user may have of inotify is used.
struct InotifyUse: Equatable {
    var user: UInt32
    var instances = 0
    var watches = 0
    var maxInstances: Int?
    var maxWatches: Int?
    var maxQueuedEvents: Int?
    /// Some processes could not be looked at, so that more may be used.
    var isPartial = false

    var findings: [Finding] {
        guard let maxInstances, let maxWatches, let maxQueuedEvents else {
            return [.unchecked(.inotify, "the limits of inotify cannot be read", remedy: "see /proc/sys/fs/inotify")]
        }
        let more = isPartial ? " at least" : ""
        let whose = Users.name(of: user)
        let message =
            "\(whose) uses\(more) \(instances) of \(maxInstances) inotify instances and \(watches) of \(maxWatches) watches"
        var findings: [Finding] = []
        for (used, limit, name) in [
            (instances, maxInstances, "max_user_instances"), (watches, maxWatches, "max_user_watches"),
        ] where used * 10 >= limit * 9 {
            findings.append(
                .warning(
                    .inotify, "\(message): a daemon that gets none reads the directory every second instead",
                    remedy: "sysctl fs.inotify.\(name)=\(max(limit * 2, 128)), and in /etc/sysctl.d to keep it"))
        }
        if maxQueuedEvents < 1024 {
            findings.append(
                .warning(
                    .inotify,
                    "the kernel keeps only \(maxQueuedEvents) events: a burst of files costs a look at the whole directory",
                    remedy: "sysctl fs.inotify.max_queued_events=16384"))
        }
        return findings.isEmpty ? [.ok(.inotify, "\(message); \(maxQueuedEvents) events are kept")] : findings
    }
}

extension InotifyUse {
    init(of user: UInt32) {
        self.init(user: user)
        maxInstances = Self.limit("max_user_instances")
        maxWatches = Self.limit("max_user_watches")
        maxQueuedEvents = Self.limit("max_queued_events")
        do throws(SpoolError) {
            for process in try Directory.open("/proc").entries() where process.string.flatMap({ Int($0) }) != nil {
                guard let stat = try FileStat(following: "/proc/\(process)"), stat.owner == user else { continue }
                count("/proc/\(process)")
            }
        } catch {
            isPartial = true
        }
    }

    private static func limit(_ name: String) -> Int? {
        do throws(SpoolError) {
            let bytes = try Directory.open("/proc/sys/fs/inotify").read(FileName(name), limit: 64) ?? []
            return Int(String(decoding: bytes.filter { $0 != 0x0A }, as: UTF8.self))
        } catch {
            return nil
        }
    }

    private mutating func count(_ process: String) {
        do throws(SpoolError) {
            for descriptor in try Directory.open("\(process)/fd").entries() {
                var target = [UInt8](repeating: 0, count: 64)
                let length = readlink("\(process)/fd/\(descriptor)", &target, target.count)
                guard length > 0, target.prefix(length).elementsEqual("anon_inode:inotify".utf8) else { continue }
                instances += 1
                let info = try Directory.open("\(process)/fdinfo").read(descriptor) ?? []
                watches += info.split(separator: 0x0A).count { $0.starts(with: "inotify wd:".utf8) }
            }
        } catch {
            // It has ended, or is none that this process may look at.
            if error.code != ENOENT { isPartial = true }
        }
    }
}
