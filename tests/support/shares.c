/* A share that has no call to make a directory durable (or whose disk fails at it), and that does
   not tell its size. Loaded before the C library; ON_DIRECTORY is the error to give, by number. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

int fsync(int file) {
    static int (*real)(int);
    struct stat found;
    const char *told = getenv("ON_DIRECTORY");
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    if (told && fstat(file, &found) == 0 && S_ISDIR(found.st_mode)) {
        errno = atoi(told);
        return -1;
    }
    return real(file);
}

int statvfs(const char *path, struct statvfs *disk) {
    static int (*real)(const char *, struct statvfs *);
    if (!real) real = (int (*)(const char *, struct statvfs *))dlsym(RTLD_NEXT, "statvfs");
    int done = real(path, disk);
    if (getenv("NO_TOTAL")) disk->f_blocks = disk->f_bfree = disk->f_bavail = 0;
    return done;
}

int statvfs64(const char *path, struct statvfs64 *disk) {
    static int (*real)(const char *, struct statvfs64 *);
    if (!real) real = (int (*)(const char *, struct statvfs64 *))dlsym(RTLD_NEXT, "statvfs64");
    int done = real(path, disk);
    if (getenv("NO_TOTAL")) disk->f_blocks = disk->f_bfree = disk->f_bavail = 0;
    return done;
}
