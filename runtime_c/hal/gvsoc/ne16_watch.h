/* ne16_watch.h - what the orchestrator sees of NE16: when it works, and how long it is waited for.
 *
 * The engine counts nothing. Every job that ends leaves an event; an orchestrator that watches takes
 * the time when it sees one, at once where it sleeps, else at the next start. Watching takes time.
 */
#ifndef EDGECOMP_GVSOC_NE16_WATCH_H
#define EDGECOMP_GVSOC_NE16_WATCH_H

#include <stdint.h>

typedef struct {
    uint32_t wait;    /* cycles that the orchestrator waited: for a job, or to give another one */
    uint32_t busy;    /* cycles of jobs that have ended */
    uint32_t begin;   /* of the job that runs */
    uint8_t watched;  /* busy is counted, begin to working are kept */
    uint8_t running;  /* the job's number, where `working` */
    uint8_t last;     /* the number of the job given last */
    uint8_t working;
} ec_ne16_state;

extern ec_ne16_state ec_ne16;

/* Code for runs that are watched, out of the way of those that are not. */
#define EC_WATCHING_ONLY __attribute__((noinline, cold))

/* Take the time of jobs that have ended, where a job is watched. */
void ec_ne16_look(void) EC_WATCHING_ONLY;

/* The same after an event was taken. */
void ec_ne16_take_time(void) EC_WATCHING_ONLY;

/* The job `number` was given; those before it may have ended without being seen. */
void ec_ne16_watch_start(uint32_t number) EC_WATCHING_ONLY;

#endif
