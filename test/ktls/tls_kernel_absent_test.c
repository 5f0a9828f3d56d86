/* tls_kernel_absent_test.c - a kernel without TLS; a program of its own, because it is asked once in a process. */
#include "rig.h"

WEIR_TEST(tls_kernel_absent, is_asked_once_in_a_process_and_openssl_sends) {
    fake.is_absent = true;
    for (int i = 0; i < 3; i++) {
        tls_rig rig = {0};
        rig_open(&rig);
        rig_write(&rig, rig_file(100000, 100000), NULL);
        expect(peer_gets_file(&rig, 100000));
        rig_look(&rig);
        expect(!rig.tls.ktls_send);
        expect_eq(rig.tls.region_read_bytes, 100000);
        expect_eq(rig_kernel_connections(&rig), 0);
        rig_close(&rig);
    }
    expect_eq(fake.asked, 1);
    expect_eq(fake.keyed, 0);
}
