homeward_fuzz_target(NAME dot_reader
  SOURCES "${CMAKE_CURRENT_LIST_DIR}/dot_reader.cpp"
  DEPENDS mail)
