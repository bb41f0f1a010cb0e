/// Where tests put spools that are about many files, not about how long a disk takes to sync them.
import Glibc

/// In memory, if that has room: containers often have little of it.
package let quickDirectory: String = {
    var room = statvfs()
    let isRoomy =
        statvfs("/dev/shm", &room) == 0 && access("/dev/shm", W_OK) == 0 && room.f_favail >= 200_000
        && room.f_bavail * room.f_frsize >= 512 << 20
    return isRoomy ? "/dev/shm" : "/tmp"
}()
