homeward_fuzz_target(NAME store_server
  SOURCES "${CMAKE_CURRENT_LIST_DIR}/store_server.cpp"
  DEPENDS store_protocol_testing)
