homeward_fuzz_target(NAME policy_server
  SOURCES "${CMAKE_CURRENT_LIST_DIR}/policy_server.cpp"
  DEPENDS milter_delegation)
