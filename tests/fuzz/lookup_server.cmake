homeward_fuzz_target(NAME lookup_server
  SOURCES "${CMAKE_CURRENT_LIST_DIR}/lookup_server.cpp"
  DEPENDS milter_lookup)
