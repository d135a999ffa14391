# start.S - entry points of the fabric controller and of the cluster's cores, and exceptions.

    .section .text.start, "ax"
    .global _start
_start:
    la      t0, ec_trap
    csrw    mtvec, t0
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    la      sp, ec_fabric_stack_top
    la      t0, ec_bss_start
    la      t1, ec_bss_end
1:  bgeu    t0, t1, 2f
    sw      zero, 0(t0)
    addi    t0, t0, 4
    j       1b
2:  call    main
    call    ec_host_exit

# All cores of the cluster. Worker i has the i-th stack, the orchestrator its own above them.
    .align  8
    .global ec_cluster_start
ec_cluster_start:
    la      t0, ec_trap
    csrw    mtvec, t0
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    csrr    a0, mhartid
    andi    a0, a0, 0x1f
    la      t0, ec_worker_stack_bytes
    la      sp, ec_stacks_start
1:  add     sp, sp, t0
    beqz    a0, 2f
    addi    a0, a0, -1
    j       1b
2:  csrr    a0, mhartid
    andi    a0, a0, 0x1f
    la      t0, ec_workers
    bne     a0, t0, 3f
    la      sp, ec_orchestrator_stack_top
    call    ec_orchestrate
3:  call    ec_work
4:  j       4b

# Any exception: its cause, pc and address are reported on a stack of its own; no way back.
    .align  8
    .global ec_trap
ec_trap:
    la      sp, ec_trap_stack_top
    csrr    a0, mhartid
    csrr    a1, mcause
    csrr    a2, mepc
    csrr    a3, mtval
    call    ec_trap_report
5:  j       5b

# long ec_host_call(long operation, void *argument): semihosting.
    .global ec_host_call
ec_host_call:
    .option push
    .option norvc
    slli    zero, zero, 0x1f
    ebreak
    srai    zero, zero, 0x7
    .option pop
    ret
