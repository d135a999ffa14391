/* app_main.c - the sample application: frames to windows, windows to scores, scores to the UART.
 *
 * The cluster is off while no window is due. A message is, in little-endian bytes,
 *
 *   0xec 0x0c  number[4]  class[2]  count[2]  score[2] * count  sum[2]
 *
 * number: of the window, from 0. score: the integers of the network's output (real = SCALE * (score
 * - ZERO_POINT)). class: the index of the largest. sum: of all bytes before it. The program ends with
 * 0, a reason of hal_pmsis.h, or one of those below.
 */
#include "pmsis.h"

#include "app_window.h"
#include "edgecomp_network.h"
#include "hal_pmsis.h"

#ifndef EC_APP_BAUD
#define EC_APP_BAUD 115200
#endif

enum {
    NO_UART = 16,
    NO_CLUSTER = 17, /* it took no task */
    LOST_WEIGHTS = 18, /* they could not be read from flash */
    NOT_SENT = 19,
};

/* The next frame of the front end, when it is there; 0 when there are no more. */
int ec_app_next_frame(int16_t *frame);

_Static_assert(EC_APP_SCORES <= 0xffffu, "a message counts its scores in 16 bits");

static ec_app_ring ring;
static PI_L2 uint8_t message[12 + 2 * EC_APP_SCORES];
static struct pi_device uart;
static int status;

static int open_uart(void)
{
    static struct pi_uart_conf conf;
    pi_uart_conf_init(&conf);
    conf.baudrate_bps = EC_APP_BAUD;
    conf.enable_tx = 1;
    pi_open_from_conf(&uart, &conf);
    return pi_uart_open(&uart);
}

/* On the cluster. Whatever the engines knew is gone since it was off. */
static void classify(void *argument)
{
    (void)argument;
    status = ec_network_init();
    if (status == 0)
        ec_network_run();
}

static uint8_t *put(uint8_t *to, uint32_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; ++i)
        *to++ = (uint8_t)(value >> (8 * i));
    return to;
}

static int send_scores(uint32_t number)
{
    const ec_app_score *scores = (const ec_app_score *)ec_network_output(0).data;
    uint32_t best = 0, sum = 0;
    for (uint32_t i = 1; i < EC_APP_SCORES; ++i)
        best = scores[i] > scores[best] ? i : best;
    uint8_t *end = put(message, 0x0cecu, 2);
    end = put(end, number, 4);
    end = put(end, best, 2);
    end = put(end, EC_APP_SCORES, 2);
    for (uint32_t i = 0; i < EC_APP_SCORES; ++i)
        end = put(end, (uint32_t)(int32_t)scores[i], 2);
    for (const uint8_t *byte = message; byte < end; ++byte)
        sum += *byte;
    end = put(end, sum, 2);
    return pi_uart_write(&uart, message, (uint32_t)(end - message)) ? NOT_SENT : 0;
}

static int run_window(uint32_t number)
{
    ec_app_window(&ring, (ec_app_input *)ec_network_input(0).data);
    const int reason = ec_pmsis_wake();
    if (reason)
        return reason;
    if (ec_pmsis_call(classify, NULL) || status)
        return NO_CLUSTER;
    ec_pmsis_sleep();
    return ec_pmsis_run.lost_reads ? LOST_WEIGHTS : send_scores(number);
}

static int run_all(void)
{
    int16_t frame[EC_APP_CHANNELS];
    uint32_t number = 0;
    int reason = ec_pmsis_open();
    if (reason)
        return reason;
    ec_pmsis_sleep();
    if (open_uart())
        return NO_UART;
    ec_app_ring_init(&ring);
    while (reason == 0 && ec_app_next_frame(frame))
        if (ec_app_ring_push(&ring, frame))
            reason = run_window(number++);
    return reason;
}

int main(void)
{
    pmsis_exit(run_all());
    return 0;
}
