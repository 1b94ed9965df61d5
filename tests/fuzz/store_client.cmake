homeward_fuzz_target(NAME store_client
  SOURCES "${CMAKE_CURRENT_LIST_DIR}/store_client.cpp"
  DEPENDS store_protocol)
