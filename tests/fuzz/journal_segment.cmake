homeward_fuzz_target(NAME journal_segment
  SOURCES "${CMAKE_CURRENT_LIST_DIR}/journal_segment.cpp"
  DEPENDS journal_format)
