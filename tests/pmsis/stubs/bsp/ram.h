#ifndef STUB_RAM_H
#define STUB_RAM_H
#include "pmsis.h"
struct pi_default_ram_conf {
    int unused;
};
typedef struct {
    void *addr;
    uint32_t pi_ram_addr;
    uint32_t size;
    uint8_t done;
} pi_cl_ram_req_t;
void pi_default_ram_conf_init(struct pi_default_ram_conf *conf);
int32_t pi_ram_open(struct pi_device *device);
int pi_ram_alloc(struct pi_device *device, uint32_t *addr, uint32_t size);
void pi_ram_write(struct pi_device *device, uint32_t pi_ram_addr, void *data, uint32_t size);
void pi_ram_read(struct pi_device *device, uint32_t pi_ram_addr, void *data, uint32_t size);
void pi_cl_ram_read(struct pi_device *device, uint32_t pi_ram_addr, void *addr, uint32_t size,
                    pi_cl_ram_req_t *req);
void pi_cl_ram_read_wait(pi_cl_ram_req_t *req);
#endif
