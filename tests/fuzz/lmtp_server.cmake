homeward_fuzz_target(NAME lmtp_server
  SOURCES
    "${CMAKE_CURRENT_LIST_DIR}/lmtp_server.cpp"
    "${CMAKE_CURRENT_LIST_DIR}/lmtp_server_model.cpp"
  DEPENDS lmtp)
