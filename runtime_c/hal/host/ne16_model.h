/* ne16_model.h - NE16 on a computer. */
#ifndef EDGECOMP_NE16_MODEL_H
#define EDGECOMP_NE16_MODEL_H

#include "edgecomp_ne16.h"

/* Run a 1x1, 3x3 or depthwise job with 8-bit activations; returns 0, or 1 where the job asks for
 * anything else. */
int ec_ne16_model_run(const ec_ne16_job *job);

#endif
