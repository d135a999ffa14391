# In place of the SDK's set-up file: programs for this computer, with the stubs.
set(STUBS ${CMAKE_CURRENT_LIST_DIR})
set(MODEL ${CMAKE_CURRENT_SOURCE_DIR}/../runtime/hal/host)
macro(setupos target)
  target_include_directories(${target} PRIVATE ${STUBS} ${MODEL})
  target_sources(${target} PRIVATE ${STUBS}/stubs.c ${MODEL}/ne16_model.c)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Werror -fno-pie -include ${STUBS}/ne16_stub.h)
  target_link_options(${target} PRIVATE -no-pie)
endmacro()
