/* confine.c - another user from now on. */
#include "common/confine.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

static int find_user(args_server *at) {
    errno = 0;
    const struct passwd *found = getpwnam(at->user);
    if (found == NULL) return complain("--user: there is no user '%s'", at->user);
    if (found->pw_uid == 0) return complain("--user: '%s' is root: name another", at->user);
    at->uid = found->pw_uid;
    at->gid = found->pw_gid;
    if (geteuid() == 0 || (geteuid() == at->uid && getuid() == at->uid)) return 0;
    return complain("--user %s: only root can become another user", at->user);
}

int confine(args_server *at, const confine_rule *rules, size_t count) {
    if (at->user != NULL && find_user(at) != 0) return 1;
    return at->sandbox ? sandbox_enter(rules, count) : 0;
}

int confine_drop(const args_server *at) {
    if (at->user == NULL || geteuid() != 0) return 0; /* it is that user already */
    gid_t gid = at->gid;
    if (setgroups(1, &gid) != 0 || setgid(gid) != 0 || setuid(at->uid) != 0)
        return complain("--user %s: %s", at->user, strerror(errno));
    if (setuid(0) == 0) return complain("--user %s: root's rights could be had back", at->user);
    return 0;
}
