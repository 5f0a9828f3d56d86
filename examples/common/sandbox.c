/* sandbox.c - landlock(7) and seccomp(2) by their system calls.
 *
 * Both hold for the thread that asks and for those it makes later. Landlock is what keeps files away: a file that is
 * opened by a path must be beneath a rule's. seccomp refuses calls that no server makes, with EPERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "common/confine.h"

/* ---- landlock, which has grown since the headers were made ---- */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum {
    VERSION_FLAG = 1,
    RULE_PATH_BENEATH = 1,
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_REMOVE_FILE = 1 << 5,
    FS_MAKE_REG = 1 << 8,
    FS_ALL_OF_1 = (1 << 13) - 1, /* of version 1 */
    FS_REFER = 1 << 13,          /* 2 */
    FS_TRUNCATE = 1 << 14,       /* 3 */
    NET_CONNECT_TCP = 1 << 1,    /* 4 */
    FS_IOCTL_DEV = 1 << 15,      /* 5 */
    SCOPE_ALL = 3,               /* 6: abstract unix sockets and signals of others */
    READS = FS_READ_FILE | FS_READ_DIR,
    OF_FILES = FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE, /* what can be allowed of a file by itself */
};

struct ruleset {
    uint64_t files, net, scoped;
};

struct rule {
    uint64_t allowed;
    int32_t folder;
} __attribute__((packed));

static struct ruleset all_that_version_knows(long version) {
    struct ruleset all = {.files = FS_ALL_OF_1};
    if (version >= 2) all.files |= FS_REFER;
    if (version >= 3) all.files |= FS_TRUNCATE;
    if (version >= 4) all.net = NET_CONNECT_TCP;
    if (version >= 5) all.files |= FS_IOCTL_DEV;
    if (version >= 6) all.scoped = SCOPE_ALL;
    return all;
}

/* The rule's place, or the folder it is in. */
static int open_place(const confine_rule *rule) {
    char path[4096];
    size_t length = strlen(rule->path);
    if (length >= sizeof path) return -1;
    memcpy(path, rule->path, length + 1);
    char *slash = rule->beside ? strrchr(path, '/') : NULL;
    if (slash != NULL) slash[slash == path] = '\0';
    return open(rule->beside && slash == NULL ? "." : path, O_PATH | O_CLOEXEC);
}

static bool allow(int ruleset, const struct ruleset *handled, const confine_rule *rule) {
    struct stat stat;
    int folder = open_place(rule);
    struct rule beneath = {.allowed = READS, .folder = folder};
    if (rule->writes) beneath.allowed |= FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG | FS_REMOVE_FILE;
    beneath.allowed &= handled->files;
    if (folder >= 0 && fstat(folder, &stat) == 0 && !S_ISDIR(stat.st_mode)) beneath.allowed &= OF_FILES;
    bool allowed =
        folder >= 0 && syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &beneath, 0) == 0;
    if (!allowed) complain("--sandbox: '%s': %s", rule->path, strerror(errno));
    if (folder >= 0) close(folder);
    return allowed;
}

static int restrict_files(const confine_rule *rules, size_t count) {
    static const confine_rule null = {.path = "/dev/null"}; /* held for when descriptors run out */
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);
    if (version < 1) return complain("--sandbox: this kernel offers no landlock: %s", strerror(errno));
    struct ruleset handled = all_that_version_knows(version);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
    if (ruleset < 0) return complain("--sandbox: landlock: %s", strerror(errno));
    bool allowed = allow(ruleset, &handled, &null);
    for (size_t i = 0; i < count && allowed; i++) {
        if (rules[i].path != NULL) allowed = allow(ruleset, &handled, &rules[i]);
    }
    bool entered = allowed && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    if (allowed && !entered) complain("--sandbox: landlock: %s", strerror(errno));
    close(ruleset);
    return entered ? 0 : 1;
}

/* ---- seccomp ---- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE
static int refuse_calls(void) {
    static const int refused[] = {
        SYS_execve,
        SYS_execveat,
        SYS_ptrace,
        SYS_process_vm_readv,
        SYS_process_vm_writev,
        SYS_mount,
        SYS_umount2,
        SYS_pivot_root,
        SYS_chroot,
        SYS_unshare,
        SYS_setns,
        SYS_bpf,
        SYS_perf_event_open,
        SYS_userfaultfd,
        SYS_keyctl,
        SYS_add_key,
        SYS_request_key,
        SYS_init_module,
        SYS_finit_module,
        SYS_delete_module,
        SYS_kexec_load,
        SYS_reboot,
        SYS_swapon,
        SYS_swapoff,
        SYS_open_by_handle_at,
        SYS_io_uring_setup,
        SYS_personality,
        SYS_acct,
        SYS_quotactl,
        SYS_settimeofday,
        SYS_clock_settime,
    };
    enum {
        CALLS = sizeof refused / sizeof *refused,
        X32 = 0x40000000 /* the same calls by other numbers */
    };
    const struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    struct sock_filter code[6 + 2 * CALLS + 1] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1),
        refuse,
    };
    size_t n = 6;
    for (size_t i = 0; i < CALLS; i++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)refused[i], 0, 1);
        code[n++] = refuse;
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {.len = (unsigned short)n, .filter = code};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0) return 0;
    return complain("--sandbox: this kernel offers no seccomp: %s", strerror(errno));
}
#else
static int refuse_calls(void) {
    return complain("--sandbox: the calls of this architecture are not known here");
}
#endif

int sandbox_enter(const confine_rule *rules, size_t count) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return complain("--sandbox: no_new_privs: %s", strerror(errno));
    return restrict_files(rules, count) != 0 ? 1 : refuse_calls();
}
