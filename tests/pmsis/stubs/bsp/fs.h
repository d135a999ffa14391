#ifndef STUB_FS_H
#define STUB_FS_H
#include "pmsis.h"
typedef enum { PI_FS_FLAGS_READ = 0, PI_FS_FLAGS_WRITE = 1 } pi_fs_flags_e;
struct pi_fs_conf {
    struct pi_device *flash;
};
typedef struct {
    void *data;
    unsigned int size;
} pi_fs_file_t;
typedef struct {
    pi_fs_file_t *file;
    void *buffer;
    uint32_t index, size;
    uint8_t done;
} pi_cl_fs_req_t;
int32_t pi_fs_mount(struct pi_device *device);
pi_fs_file_t *pi_fs_open(struct pi_device *device, const char *file, int flags);
int32_t pi_fs_read(pi_fs_file_t *file, void *buffer, uint32_t size);
void pi_fs_close(pi_fs_file_t *file);
void pi_cl_fs_copy(pi_fs_file_t *file, uint32_t index, void *buffer, uint32_t size, int32_t ext2loc,
                   pi_cl_fs_req_t *req);
int32_t pi_cl_fs_wait(pi_cl_fs_req_t *req);
#endif
