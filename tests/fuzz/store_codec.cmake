homeward_fuzz_target(NAME store_codec
  SOURCES "${CMAKE_CURRENT_LIST_DIR}/store_codec.cpp"
  DEPENDS store_protocol)
