/*
 * A wall clock that jumps: preloaded into a service, it adds to CLOCK_REALTIME the nanoseconds that stand in the file named by
 * ALTIPLANO_FAULTS_CLOCK (8 bytes, mapped, so that a change counts at once). Monotonic clocks are as ever, as when a machine's
 * time is set.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *shift;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void map(void) {
    real_clock_gettime = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("ALTIPLANO_FAULTS_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        void *at = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
        shift = at == MAP_FAILED ? NULL : at;
        close(fd);
    }
}

int clock_gettime(clockid_t id, struct timespec *t) {
    if (real_clock_gettime == NULL) {
        map();
    }
    int result = real_clock_gettime(id, t);
    if (result == 0 && shift != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        int64_t nanos = (int64_t) t->tv_sec * 1000000000 + t->tv_nsec + *shift;
        t->tv_sec = nanos / 1000000000;
        t->tv_nsec = nanos % 1000000000;
    }
    return result;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
    (void) zone;
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    t->tv_sec = now.tv_sec;
    t->tv_usec = now.tv_nsec / 1000;
    return result;
}

time_t time(time_t *t) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t != NULL) {
        *t = now.tv_sec;
    }
    return now.tv_sec;
}
