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

static FILE *open_or_die(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        perror(path);
        exit(66);
    }
    return file;
}

/* Read the next window into its place. Returns how many bytes there were. */
static size_t read_window(FILE *in)
{
    size_t got = 0;
    for (uint32_t i = 0; i < EC_NETWORK_INPUTS; ++i) {
        const ec_network_tensor tensor = ec_network_input(i);
        got += fread(tensor.data, 1, tensor.bytes, in);
    }
    return got;
}

/* Returns 0, or -1 where the file takes no more. */
static int write_outputs(FILE *out)
{
    for (uint32_t i = 0; i < EC_NETWORK_OUTPUTS; ++i) {
        const ec_network_tensor tensor = ec_network_output(i);
        if (fwrite(tensor.data, 1, tensor.bytes, out) != tensor.bytes)
            return -1;
    }
    return 0;
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
    if (ec_network_init() != 0) {
        fputs("edgecomp host: the network does not start\n", stderr);
        return 70;
    }
    size_t got;
    while ((got = read_window(in)) == EC_NETWORK_INPUT_BYTES) {
        ec_network_run();
        if (write_outputs(out)) {
            perror(argv[2]);
            return 74;
        }
    }
    if (got != 0) {
        fprintf(stderr, "%s: %zu bytes are left; a window has %u\n", argv[1], got,
                (unsigned)EC_NETWORK_INPUT_BYTES);
        return 65;
    }
    fclose(in);
    fclose(hal_host_trace);
    return fclose(out) == 0 ? 0 : 74;
}
