/* file_client.c - fetches files from a file_server over one connection. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/args.h"
#include "transfer.h"

enum {
    PATH_LIMIT = 4000, /* with its offset it fits into the server's line of 4096 */
};

static void check_paths(char **paths, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!target_path_is_plain(paths[i])) {
            complain_usage("'%s' is not a path below a folder: relative, without '.' and '..'", paths[i]);
        }
        if (strlen(paths[i]) > PATH_LIMIT || strchr(paths[i], '\n') != NULL) {
            complain_usage("path %zu cannot be asked for: it is too long or has a line end in it", i + 1);
        }
    }
}

/* DIR, made when it is missing. Answers -1 after saying what is wrong. */
static int open_folder(const char *path) {
    int folder = -1;
    if (mkdir(path, 0777) == 0 || errno == EEXIST) folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) complain("cannot write to '%s': %s", path, strerror(errno));
    return folder;
}

static weir_status run(struct transfer *transfer, const char *host, unsigned port) {
    transfer->loop = weir_loop_new(NULL);
    if (transfer->loop == NULL) return WEIR_E_NO_MEMORY;
    weir_status status = WEIR_E_NO_MEMORY;
    weir_promise *connected = weir_promise_new(transfer->loop);
    if (connected != NULL) status = weir_promise_listen(connected, transfer_connected, transfer);
    if (status == WEIR_OK) {
        weir_client_options options = {
            .loop = transfer->loop,
            .host = host,
            .port = port,
            .build = transfer_build,
            .build_arg = transfer,
            .connect_timeout_ms = 10000,
            .channel = {.read_size_max = 256 << 10},
        };
        weir_channel *channel = weir_client_connect(&options, weir_promise_retain(connected));
        if (channel == NULL) status = weir_promise_status(connected);
        if (channel != NULL) weir_loop_run(transfer->loop);
        weir_channel_release(channel);
    }
    weir_promise_release(connected);
    weir_loop_free(transfer->loop);
    return status;
}

int main(int argc, char **argv) {
    char host[256];
    const char *folder = ".";
    unsigned port, patience = 30;
    struct transfer transfer = {.target = TARGET_NONE};
    args_parse(
        &argc, argv, "Fetches files from a file_server.", "HOST:PORT PATH...",
        (args_option[]){{"-o", "DIR", "where they go", .text = &folder},
                        {"--resume", NULL, "continue what an earlier attempt left", .flag = &transfer.resume},
                        {"--timeout", "S", "give up when nothing comes for so long", .number = &patience,
                         .min = 1, .max = 86400},
                        {0}});
    if (weir_addr_split(argv[1], host, sizeof host, &port) != WEIR_OK)
        complain_usage("'%s' is not HOST:PORT", argv[1]);
    transfer.paths = argv + 2;
    transfer.count = (size_t)argc - 2;
    transfer.patience_ms = patience * UINT64_C(1000);
    check_paths(transfer.paths, transfer.count);
    transfer.folder = open_folder(folder);
    if (transfer.folder < 0) return 1;
    weir_status status = run(&transfer, host, port);
    if (status != WEIR_OK) transfer.failed = complain("cannot start: %s", weir_status_text(status)) != 0;
    close(transfer.folder);
    if (weir_leak_report(stderr) != 0) return 1;
    return transfer.failed || transfer.refused != 0 ? 1 : 0;
}
