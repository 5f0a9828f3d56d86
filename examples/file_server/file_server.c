/* file_server.c - sends the files below one folder to whoever asks, by the way that --mode names. */
#include <inttypes.h>
#include <stdio.h>

#include "common/confine.h"
#include "common/serve.h"
#include "session.h"

static void print_totals(void *arg) {
    struct service *service = arg;
    printf("%" PRIu64 " files, %" PRIu64 " bytes; %" PRIu64 " requests refused, %" PRIu64
           " bodies broken off\n",
           service->files, service->bytes, service->refused, service->broken);
    printf("by sendfile %" PRIu64 " bytes in %" PRIu64 " calls, copied %" PRIu64 " bytes, mapped %" PRIu64
           " bytes\n",
           service->sendfile_bytes, service->sendfile_calls, service->copied_bytes, service->mapped_bytes);
}

int main(int argc, char **argv) {
    args_server at = {.host = "127.0.0.1", .port = 7020};
    const char *root = NULL;
    bool walk = false;
    static struct service service;
    args_parse(
        &argc, argv, "Sends the files below one folder: a path a line in; OK BYTES and the bytes out.", "",
        (args_option[]){ARGS_SERVER(at),
                        ARGS_CONFINED(at),
                        {"--root", "DIR", "the folder; needed", .text = &root},
                        {"--mode", "auto|sendfile|mmap|copy", "how bodies are sent", .choice = &service.mode},
                        {"--walk", NULL, "open paths part by part, as without openat2(2)", .flag = &walk},
                        {0}});
    if (root == NULL) complain_usage("needed: --root DIR; --help says more");
    if (confine(&at, &(confine_rule){.path = root}, 1) != 0) return 1;
    weir_status status = weir_file_root_open(&service.root, root, walk);
    if (status != WEIR_OK) return complain("cannot serve '%s': %s", root, weir_status_text(status));
    weir_server_options options = {.build = session_build, .build_arg = &service};
    options.channel.region_join_max = service.mode == MODE_SENDFILE ? SIZE_MAX : 0;
    options.channel.region_copy = service.mode == MODE_COPY;
    int code = serve(&at, options, print_totals, &service);
    weir_file_root_close(&service.root);
    return code;
}
