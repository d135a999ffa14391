/* trap.c - an exception ends the run and says where. */
#include "chip.h"
#include "hal_gvsoc.h"
#include "host_link.h"

void ec_trap_report(uint32_t hart, uint32_t cause, uint32_t pc, uint32_t address)
{
    ec_say("@ec trap");
    ec_say_number(hart);
    ec_say_number(cause);
    ec_say_hex(pc);
    ec_say_hex(address);
    ec_say_end();
    ec_host_exit(1);
}
