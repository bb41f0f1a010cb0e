/// How schedules stand: `NAME.schedule.status.json`. It is also the bookmark, which says how far a schedule has been dealt
/// with, and written when what it says has been done.
import SpoolProtocol
import SpoolStorage

extension Runner {
    /// A job that a schedule dropped stands otherwise than before.
    func heardOfJob(_ status: JobStatus) {
        guard let slot = status.identity.slot,
            schedules.entries[slot.schedule]?.status.lastRun?.name == status.identity.name
        else { return }
        schedules.entries[slot.schedule]?.status.lastRun = ScheduleRun(status)
        schedules.unshown.insert(slot.schedule)
    }

    func showSchedules() {
        guard !schedules.unshown.isEmpty, Clock.monotonic() >= troubleUntil else { return }
        for name in schedules.unshown.sorted() { showSchedule(name) }
    }

    /// Writes the status, if it is another one. What the disk does not take waits.
    func showSchedule(_ name: JobName) {
        schedules.unshown.remove(name)
        guard var entry = schedules.entries[name], !entry.isShown, let file = SpoolFile.scheduleStatus(name).fileName
        else {
            return
        }
        entry.status.updatedAt = Clock.now()
        let isBookmark =
            entry.shown?.bookmark != entry.status.bookmark || entry.shown?.fingerprint != entry.status.fingerprint
        do throws(SpoolError) {
            try spool.moveAsideUnlessOwn(file)
            try spool.publish(
                entry.status.json, as: .scheduleStatus(name), isBookmark ? .power : .powerAfterDirectorySync)
            entry.shown = entry.status
            schedules.entries[name] = entry
            schedules.givenUp.remove(name)
            show.isDirty = true
        } catch  where error.isForbidden {
            giveUpSchedule(name, error)
        } catch {
            schedules.unshown.insert(name)
            tell(error)
        }
    }
}
