/* A machine for a row of the benchmark. With CLOCK_RATE its clocks run so many times as fast, the
   wall clock from CLOCK_SINCE (Unix seconds) on, and whoever waits for a time waits so much less.
   With FSYNC_DELAY each fsync takes so many seconds more. Loaded before the C library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FIND(name) if (!real) real = dlsym(RTLD_NEXT, name)
#define SECOND 1000000000LL
/* Absolute times above this are of the wall clock: a machine is not up for thirty years. */
#define WALL (1000000000LL * SECOND)

static int64_t rate = 1, since;
static struct timespec delay;

static int64_t nanos(struct timespec time) { return time.tv_sec * SECOND + time.tv_nsec; }

static struct timespec spec(int64_t nanos) {
    if (nanos < 0) nanos = 0;
    return (struct timespec){nanos / SECOND, nanos % SECOND};
}

static struct timespec seconds(const char *name) {
    const char *text = getenv(name);
    return spec(text ? (int64_t)(atof(text) * SECOND) : 0);
}

static void settle(void) {
    static int settled;
    if (settled) return;
    const char *text = getenv("CLOCK_RATE");
    if (text && atoi(text) > 1) rate = atoi(text);
    since = nanos(seconds("CLOCK_SINCE"));
    delay = seconds("FSYNC_DELAY");
    settled = 1;
}

/* From the clocks of the machine to those that are shown, and back. */
static int64_t shown(int64_t real, int wall) { return wall ? since + (real - since) * rate : real * rate; }
static int64_t meant(int64_t shown, int wall) { return wall ? since + (shown - since) / rate : shown / rate; }

static int64_t until(const struct timespec *end) {
    int64_t at = nanos(*end);
    return meant(at, at > WALL);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    FIND("clock_gettime");
    settle();
    int done = real(clock, now);
    if (done || rate == 1) return done;
    int wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    if (wall || clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE ||
        clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_BOOTTIME)
        *now = spec(shown(nanos(*now), wall));
    return done;
}

int gettimeofday(struct timeval *now, void *zone) {
    (void)zone;
    struct timespec read;
    clock_gettime(CLOCK_REALTIME, &read);
    *now = (struct timeval){read.tv_sec, read.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *now) {
    struct timespec read;
    clock_gettime(CLOCK_REALTIME, &read);
    if (now) *now = read.tv_sec;
    return read.tv_sec;
}

/* In nanoseconds, as a millisecond of the machine is many of those that are shown. */
int epoll_wait(int queue, struct epoll_event *events, int most, int timeout) {
    settle();
    if (timeout <= 0 || rate == 1) return syscall(SYS_epoll_pwait, queue, events, most, timeout, NULL, 8);
    struct timespec wait = spec(timeout * (SECOND / 1000) / rate);
    return syscall(SYS_epoll_pwait2, queue, events, most, &wait, NULL, 8);
}

int poll(struct pollfd *files, nfds_t count, int timeout) {
    settle();
    struct timespec wait = spec(timeout * (SECOND / 1000) / rate);
    return ppoll(files, count, timeout < 0 ? NULL : &wait, NULL);
}

int select(int count, fd_set *in, fd_set *out, fd_set *bad, struct timeval *timeout) {
    static int (*real)(int, fd_set *, fd_set *, fd_set *, struct timeval *);
    FIND("select");
    settle();
    if (!timeout) return real(count, in, out, bad, NULL);
    int64_t micros = (timeout->tv_sec * 1000000LL + timeout->tv_usec) / rate;
    struct timeval wait = {micros / 1000000, micros % 1000000};
    return real(count, in, out, bad, &wait);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wait, struct timespec *left) {
    static int (*real)(clockid_t, int, const struct timespec *, struct timespec *);
    FIND("clock_nanosleep");
    settle();
    struct timespec less = spec(flags & TIMER_ABSTIME ? until(wait) : nanos(*wait) / rate);
    return real(clock, flags, rate == 1 ? wait : &less, left);
}

int nanosleep(const struct timespec *wait, struct timespec *left) {
    int error = clock_nanosleep(CLOCK_REALTIME, 0, wait, left);
    if (error) errno = error;
    return error ? -1 : 0;
}

int usleep(useconds_t micros) {
    struct timespec wait = spec(micros * 1000LL);
    return nanosleep(&wait, NULL);
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *end) {
    static int (*real)(sem_t *, clockid_t, const struct timespec *);
    FIND("sem_clockwait");
    settle();
    struct timespec then = rate == 1 ? *end : spec(until(end));
    return real(semaphore, clock, &then);
}

int sem_timedwait(sem_t *semaphore, const struct timespec *end) {
    return sem_clockwait(semaphore, CLOCK_REALTIME, end);
}

int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *end) {
    static int (*real)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
    FIND("pthread_cond_clockwait");
    settle();
    struct timespec then = rate == 1 ? *end : spec(until(end));
    return real(cond, mutex, clock, &then);
}

/* Its clock is an attribute that cannot be asked for: the time itself shows it. */
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *end) {
    clockid_t clock = nanos(*end) > WALL ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    return pthread_cond_clockwait(cond, mutex, clock, end);
}

static void linger(void) {
    settle();
    struct timespec wait = delay;
    if (nanos(wait)) syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &wait, NULL);
}

int fsync(int file) {
    static int (*real)(int);
    FIND("fsync");
    linger();
    return real(file);
}

int fdatasync(int file) {
    static int (*real)(int);
    FIND("fdatasync");
    linger();
    return real(file);
}
