/* Start-up of the kernel bench: the fabric controller runs main, the cluster cores cluster_main. */
    .section .text.start,"ax"
    .option norelax
    .global _start
_start:
    la   t0, trap
    csrw mtvec, t0
    la   sp, __fc_stack_top
    la   t0, __bss_start
    la   t1, __bss_end
1:  bgeu t0, t1, 2f
    sw   zero, 0(t0)
    addi t0, t0, 4
    j    1b
2:  call main

    .global sim_exit                /* a0: 0 is success */
sim_exit:
    mv   t0, a0
    li   a1, 0x20026
    beqz t0, 3f
    li   a1, 1
3:  li   a0, 0x18
    call semihost
4:  j    4b

    .global semihost                /* a0: operation, a1: argument; gives a0 */
    .balign 4
semihost:
    .option push
    .option norvc
    slli zero, zero, 0x1f
    ebreak
    srai zero, zero, 0x7
    .option pop
    ret

    .balign 256                     /* boot addresses have 8 zero bits */
    .global cluster_boot
cluster_boot:
    la   t0, trap
    csrw mtvec, t0
    csrr a0, mhartid
    andi a0, a0, 0x1f
    la   sp, __cluster_stacks
    addi t0, a0, 1
    li   t1, 0x7d0                  /* no multiple of 16 banks * 4 bytes: the stacks' tops differ */
    mul  t0, t0, t1
    add  sp, sp, t0
    call cluster_main
5:  wfi
    j    5b

    .balign 256
trap:                               /* report cause and address instead of starting again */
    la   sp, __fc_stack_top
    csrr a0, mcause
    csrr a1, mepc
    csrr a2, mhartid
    call report_trap
    li   a0, 1
    j    sim_exit
