/* host_main.c - run the network on a file of input windows.
 *
 *     network INPUT OUTPUT CHECKSUMS [SEED]
 *
 * INPUT holds whole windows (all network inputs, one after the other); OUTPUT gets the outputs in
 * the same way; CHECKSUMS gets one line "layer checksum" per layer and window.
 */
#include <stdio.h>
#include <stdlib.h>

#include "edgecomp_config.h"
#include "edgecomp_network.h"
#include "hal_host.h"

static unsigned char input[EC_NETWORK_INPUT_BYTES];
static unsigned char output[EC_NETWORK_OUTPUT_BYTES];

static FILE *open_or_die(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        perror(path);
        exit(66);
    }
    return file;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s INPUT OUTPUT CHECKSUMS [SEED]\n", argv[0]);
        return 64;
    }
    FILE *in = open_or_die(argv[1], "rb");
    FILE *out = open_or_die(argv[2], "wb");
    hal_host_trace = open_or_die(argv[3], "w");
    if (argc > 4)
        hal_host_seed = (unsigned)strtoul(argv[4], NULL, 10);
    if (ec_network_init() != 0)
        return 70;
    size_t got;
    while ((got = fread(input, 1, sizeof input, in)) == sizeof input) {
        ec_network_load(input);
        ec_network_run();
        ec_network_store(output);
        if (fwrite(output, 1, sizeof output, out) != sizeof output) {
            perror(argv[2]);
            return 74;
        }
    }
    if (got != 0) {
        fprintf(stderr, "%s: %zu bytes are left; a window has %zu\n", argv[1], got, sizeof input);
        return 65;
    }
    fclose(in);
    fclose(hal_host_trace);
    return fclose(out) == 0 ? 0 : 74;
}
