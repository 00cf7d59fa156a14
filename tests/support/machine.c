/* A machine whose wall clock is WALL_OFFSET seconds ahead, whose folder FAIL_UNDER fails with the
   error FAIL_WITH, by number (only while the file FAIL_WHILE is there, if it is named), and, with
   NO_PASSWD, whose user has no entry. Loaded before the C library. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FIND(name) if (!real) real = dlsym(RTLD_NEXT, name)

static double offset(void) {
    const char *told = getenv("WALL_OFFSET");
    return told ? atof(told) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    FIND("clock_gettime");
    int done = real(clock, now);
    if (done == 0 && clock == CLOCK_REALTIME) now->tv_sec += (time_t)offset();
    return done;
}

int gettimeofday(struct timeval *now, void *zone) {
    static int (*real)(struct timeval *, void *);
    FIND("gettimeofday");
    int done = real(now, zone);
    if (done == 0) now->tv_sec += (time_t)offset();
    return done;
}

time_t time(time_t *now) {
    static time_t (*real)(time_t *);
    FIND("time");
    time_t told = real(NULL) + (time_t)offset();
    if (now) *now = told;
    return told;
}

int getpwuid_r(uid_t id, struct passwd *entry, char *room, size_t size, struct passwd **found) {
    static int (*real)(uid_t, struct passwd *, char *, size_t, struct passwd **);
    FIND("getpwuid_r");
    if (!getenv("NO_PASSWD")) return real(id, entry, room, size, found);
    *found = NULL;
    return 0;
}

static int fails(const char *path) {
    const char *under = getenv("FAIL_UNDER"), *told = getenv("FAIL_WITH");
    const char *when = getenv("FAIL_WHILE");
    if (!under || !told || !path || strncmp(path, under, strlen(under))) return 0;
    if (when && access(when, F_OK)) return 0;
    return atoi(told);
}

static int fails_at(int file) {
    char link[64], path[4096];
    if (!getenv("FAIL_UNDER")) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails(path);
}

#define FAIL_AT(file) do { int e = fails_at(file); if (e) { errno = e; return -1; } } while (0)

ssize_t write(int file, const void *data, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    FIND("write");
    FAIL_AT(file);
    return real(file, data, size);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    static ssize_t (*real)(int, const void *, size_t, off_t);
    FIND("pwrite");
    FAIL_AT(file);
    return real(file, data, size, at);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    FIND("pwrite64");
    FAIL_AT(file);
    return real(file, data, size, at);
}

int ftruncate64(int file, off64_t size) {
    static int (*real)(int, off64_t);
    FIND("ftruncate64");
    FAIL_AT(file);
    return real(file, size);
}

/* A folder that is read-only lets nobody make or open anything in it to write. */
static int refuses(const char *path, int flags) {
    int error = fails(path);
    return error == EROFS && flags & (O_WRONLY | O_RDWR | O_CREAT) ? error : 0;
}

#define OPENER(name)                                              \
    int name(const char *path, int flags, ...) {                  \
        static int (*real)(const char *, int, ...);               \
        FIND(#name);                                              \
        va_list rest;                                             \
        va_start(rest, flags);                                    \
        mode_t mode = va_arg(rest, mode_t);                       \
        va_end(rest);                                             \
        int error = refuses(path, flags);                         \
        if (error) { errno = error; return -1; }                  \
        return real(path, flags, mode);                           \
    }
OPENER(open)
OPENER(open64)

int mkdir(const char *path, mode_t mode) {
    static int (*real)(const char *, mode_t);
    FIND("mkdir");
    int error = refuses(path, O_CREAT);
    if (error) { errno = error; return -1; }
    return real(path, mode);
}
