/* A disk that fails: makes reads below the folder CHAOS_FOLDER fail with EIO, or opening them slow.
 *
 * Preloaded into the program. The first byte of the file CHAOS_CONTROL says what happens: 'e' for errors, 's' for
 * opening that takes 3 s, anything else for a healthy disk.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char fault(void) {
    const char *control = getenv("CHAOS_CONTROL");
    char what = 0;
    int fd = control ? (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    if (syscall(SYS_read, fd, &what, 1) != 1) what = 0;
    syscall(SYS_close, fd);
    return what;
}

static int is_below(const char *path) {
    const char *folder = getenv("CHAOS_FOLDER");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    path[size < 0 ? 0 : size] = 0;
    return size > 0;
}

/* Returns -1 if the call must fail. */
static int on_path(const char *path) {
    if (!is_below(path)) return 0;
    char what = fault();
    if (what == 's') sleep(3);
    if (what == 'e') {
        errno = EIO;
        return -1;
    }
    return 0;
}

static int on_descriptor(int fd) {
    char path[PATH_MAX];
    if (fault() != 'e' || !path_of(fd, path) || !is_below(path)) return 0;
    errno = EIO;
    return -1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list more; \
        va_start(more, flags); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
    }

int open(const char *path, int flags, ...) {
    MODE(flags)
    return on_path(path) ? -1 : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    return on_path(path) ? -1 : REAL(open64)(path, flags, mode);
}

int openat(int at, const char *path, int flags, ...) {
    MODE(flags)
    return on_path(path) ? -1 : REAL(openat)(at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...) {
    MODE(flags)
    return on_path(path) ? -1 : REAL(openat64)(at, path, flags, mode);
}

DIR *opendir(const char *path) { return on_path(path) ? NULL : REAL(opendir)(path); }

ssize_t read(int fd, void *to, size_t size) { return on_descriptor(fd) ? -1 : REAL(read)(fd, to, size); }

ssize_t pread64(int fd, void *to, size_t size, off64_t at) {
    return on_descriptor(fd) ? -1 : REAL(pread64)(fd, to, size, at);
}
