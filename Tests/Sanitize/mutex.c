/* Tells the thread sanitizer of the locks of Swift's Synchronization.Mutex. What is not contended is compiled into its user, where the
   sanitizer sees the atomic operations; the rest is in a library that it knows nothing of, so that it takes what a lock guards for a
   race. Preloaded (LD_PRELOAD), this stands before that library.

   The mutex is the context of both functions (swiftcall: r13 on x86-64, x20 on aarch64). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define swift __attribute__((swiftcall))
#define context __attribute__((swift_context))

/* Of the sanitizer; programs that it has not built have none. */
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

swift void lock(unsigned thread, context void *mutex) __asm__(LOCK);
swift void unlock(context void *mutex) __asm__(UNLOCK);

swift void lock(unsigned thread, context void *mutex) {
    swift void (*next)(unsigned, context void *) = (swift void (*)(unsigned, context void *))dlsym(RTLD_NEXT, LOCK);
    next(thread, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

swift void unlock(context void *mutex) {
    swift void (*next)(context void *) = (swift void (*)(context void *))dlsym(RTLD_NEXT, UNLOCK);
    if (__tsan_release) __tsan_release(mutex);
    next(mutex);
}
