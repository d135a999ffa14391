/* pmsis.h - what hal/pmsis uses of the vendor's interface, from its public documentation, so that
 * a build can be compiled and run without the vendor's SDK. Structures hold documented fields only.
 */
#ifndef STUB_PMSIS_H
#define STUB_PMSIS_H

#include <stddef.h>
#include <stdint.h>

#define PI_L1
#define PI_L2

typedef struct pi_device {
    void *config;
} pi_device_t;

void pi_open_from_conf(struct pi_device *device, void *conf);
void pmsis_exit(int code);

/* ---- cluster ---- */
struct pi_cluster_conf {
    int id;
};

struct pi_cluster_task {
    void (*entry)(void *);
    void *arg;
    uint32_t stack_size;
    uint32_t slave_stack_size;
    int nb_cores;
};

void pi_cluster_conf_init(struct pi_cluster_conf *conf);
int pi_cluster_open(struct pi_device *device);
int pi_cluster_close(struct pi_device *device);
struct pi_cluster_task *pi_cluster_task(struct pi_cluster_task *task, void (*entry)(void *),
                                        void *arg);
int pi_cluster_send_task_to_cl(struct pi_device *device, struct pi_cluster_task *task);
void *pi_cl_l1_malloc(struct pi_device *device, uint32_t size);
void pi_cl_l1_free(struct pi_device *device, void *chunk, int size);

int pi_core_id(void);
void pi_cl_team_fork(int nb_cores, void (*entry)(void *), void *arg);

/* ---- clocks ---- */
typedef enum { PI_FREQ_DOMAIN_FC, PI_FREQ_DOMAIN_CL, PI_FREQ_DOMAIN_PERIPH } pi_freq_domain_e;

int32_t pi_freq_set(pi_freq_domain_e domain, uint32_t freq);
uint32_t pi_freq_get(pi_freq_domain_e domain);

/* ---- the cluster's DMA ---- */
typedef enum { PI_CL_DMA_DIR_LOC2EXT = 0, PI_CL_DMA_DIR_EXT2LOC = 1 } pi_cl_dma_dir_e;

typedef struct {
    uint32_t ext;
    uint32_t loc;
    uint32_t id;
    uint16_t size;
    pi_cl_dma_dir_e dir;
    uint8_t merge;
    uint32_t stride;
    uint32_t length;
} pi_cl_dma_copy_t;

typedef pi_cl_dma_copy_t pi_cl_dma_copy_2d_t;

void pi_cl_dma_memcpy(pi_cl_dma_copy_t *copy);
void pi_cl_dma_memcpy_2d(pi_cl_dma_copy_2d_t *copy);
void pi_cl_dma_wait(void *copy);

/* ---- counters ---- */
enum { PI_PERF_CYCLES = 17 };

void pi_perf_conf(unsigned events);
void pi_perf_reset(void);
void pi_perf_start(void);
void pi_perf_stop(void);
unsigned int pi_perf_read(int id);

/* ---- UART, time ---- */
struct pi_uart_conf {
    uint32_t baudrate_bps;
    uint8_t enable_rx;
    uint8_t enable_tx;
    uint8_t uart_id;
};

void pi_uart_conf_init(struct pi_uart_conf *conf);
int pi_uart_open(struct pi_device *device);
int pi_uart_write(struct pi_device *device, void *buffer, uint32_t size);
void pi_time_wait_us(int time_us);

/* ---- the event unit ---- */
unsigned int eu_evt_maskWaitAndClr(unsigned int mask);

#endif
