homeward_fuzz_target(NAME address
  SOURCES "${CMAKE_CURRENT_LIST_DIR}/address.cpp"
  DEPENDS mail)
