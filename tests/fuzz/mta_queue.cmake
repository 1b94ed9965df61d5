homeward_fuzz_target(NAME mta_queue SOURCES "${CMAKE_CURRENT_LIST_DIR}/mta_queue.cpp" DEPENDS mta_queue)
