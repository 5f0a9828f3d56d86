/* A program that includes every module and links all of them. */
#include <stdio.h>

#include <weir/buffer.h>
#include <weir/codec.h>
#include <weir/core.h>
#include <weir/transport.h>

int main(void) {
    puts(weir_status_text(WEIR_E_CLOSED));
    weir_loop_group *loops = weir_loop_group_new(1);
    if (loops == NULL) return 1;
    weir_loop_group_free(loops);
    return 0;
}
