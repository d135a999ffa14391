/* host_link.h - the simulator's host: files of its working folder, standard output, the end. */
#ifndef EDGECOMP_GVSOC_HOST_LINK_H
#define EDGECOMP_GVSOC_HOST_LINK_H

#include <stdint.h>

#define EC_HOST_READ 1u  /* the modes of semihosting: "rb", "wb" */
#define EC_HOST_WRITE 5u

/* A file, or -1. */
int ec_host_open(const char *path, uint32_t mode);

/* Bytes that were moved. No simulated time passes. */
uint32_t ec_host_read(int file, void *data, uint32_t bytes);
uint32_t ec_host_write(int file, const void *data, uint32_t bytes);

/* Text, numbers and the end of a line on standard output. */
void ec_say(const char *text);
void ec_say_number(uint32_t value);
void ec_say_hex(uint32_t value);
void ec_say_end(void);

/* End the simulation; status 0 is success. */
void ec_host_exit(int status) __attribute__((noreturn));

#endif
