homeward_fuzz_target(NAME journal_record
  SOURCES "${CMAKE_CURRENT_LIST_DIR}/journal_record.cpp"
  DEPENDS journal_format)
